// SPDX-License-Identifier: Apache-2.0
/*
 * An entry (FDE) with its header (CIE), and as much of the machine that interprets them (DWARF 5, 6.4) as tells by which
 * register the frame is found; what other rules say is stepped over. Refuses what it does not know. Owns nothing.
 */

#include "resolve/elf_unwind.h"

#include <string.h>
#include <unistd.h>

#define FRAME_POINTER 6 /* rbp, in the ABI's numbers */
#define FRAME_POINTER_OFFSET 16 /* what it marks, and the return address */
#define POINTER_FROM_HERE 0x1b
#define STATES_MAX 16

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t take(struct cursor *cursor, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(cursor->end - cursor->at) < bytes) {
		cursor->bad = true;
		return 0;
	}
	memcpy(&value, cursor->at, bytes);
	cursor->at += bytes;
	return value;
}

/* LEB128, with or without a sign: who needs the sign is not asked here. */
static uint64_t take_leb(struct cursor *cursor)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = take(cursor, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !cursor->bad);
	return value;
}

static void skip(struct cursor *cursor, uint64_t bytes)
{
	if (bytes > (uint64_t)(cursor->end - cursor->at))
		cursor->bad = true;
	else
		cursor->at += bytes;
}

static bool read_all(int fd, void *data, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, data, len, (off_t)offset) == (ssize_t)len;
}

/* Four bytes of length, then so many; 64-bit lengths are not the usual form. */
static bool block_read(int fd, uint64_t offset, uint8_t *room, size_t most, size_t *ret_len)
{
	uint32_t len;

	if (!read_all(fd, &len, sizeof(len), offset) || len < 4 || len > most ||
	    !read_all(fd, room, len, offset + sizeof(len)))
		return false;
	*ret_len = len;
	return true;
}

/* By the low half of its encoding: how long a pointer is. */
static uint64_t pointer_bytes(uint8_t encoding)
{
	switch (encoding & 7) {
	case 2:
		return 2;
	case 3:
		return 4;
	default:
		return 8;
	}
}

/* The header's augmentation: letters, and for each its data. Only how addresses are written must be the usual way. */
static bool augmentation_take(struct cursor *cursor, const char *letters)
{
	uint64_t len = take_leb(cursor);
	struct cursor data = *cursor;
	bool usual = false;

	skip(cursor, len);
	if (cursor->bad)
		return false;
	data.end = cursor->at;
	for (; *letters; letters++) {
		switch (*letters) {
		case 'P':
			skip(&data, pointer_bytes((uint8_t)take(&data, 1)));
			break;
		case 'L':
			(void)take(&data, 1);
			break;
		case 'R':
			usual = take(&data, 1) == POINTER_FROM_HERE;
			break;
		case 'B': /* arm64: signed return addresses */
			break;
		default: /* 'S', the frame of a signal, and what is not known */
			return false;
		}
	}
	return usual && !data.bad;
}

static bool header_read(int fd, uint64_t offset, struct unwind_entry *entry)
{
	struct cursor cursor;
	const char *letters;
	uint64_t version;
	size_t len;

	if (!block_read(fd, offset, entry->header, sizeof(entry->header), &len))
		return false;
	cursor = (struct cursor) { entry->header, entry->header + len, false };
	if (take(&cursor, 4) != 0) /* what tells a header from an entry */
		return false;
	version = take(&cursor, 1);
	letters = (const char *)cursor.at;
	if ((version != 1 && version != 3) || !memchr(letters, '\0', (size_t)(cursor.end - cursor.at)) ||
	    letters[0] != 'z')
		return false;
	skip(&cursor, strlen(letters) + 1);
	entry->code_align = take_leb(&cursor);
	(void)take_leb(&cursor); /* data_alignment_factor */
	if (version == 1)
		(void)take(&cursor, 1); /* return_address_register */
	else
		(void)take_leb(&cursor);
	if (!augmentation_take(&cursor, letters + 1) || cursor.bad)
		return false;
	entry->header_at = (size_t)(cursor.at - entry->header);
	entry->header_len = (size_t)(cursor.end - cursor.at);
	return true;
}

bool unwind_entry_read(int fd, uint64_t offset, uint64_t address, struct unwind_entry *ret_entry)
{
	struct cursor cursor;
	uint64_t back;
	size_t len;

	if (!block_read(fd, offset, ret_entry->body, sizeof(ret_entry->body), &len))
		return false;
	cursor = (struct cursor) { ret_entry->body, ret_entry->body + len, false };
	back = take(&cursor, 4);
	if (back == 0 || back > offset + 4 || !header_read(fd, offset + 4 - back, ret_entry))
		return false;
	ret_entry->start = address + 8 + (uint64_t)(int64_t)(int32_t)take(&cursor, 4);
	ret_entry->size = take(&cursor, 4);
	skip(&cursor, take_leb(&cursor));
	ret_entry->body_at = (size_t)(cursor.at - ret_entry->body);
	ret_entry->body_len = (size_t)(cursor.end - cursor.at);
	return !cursor.bad;
}

/* By which register, and how far from it; `known` false: by a computation. */
struct rule {
	uint64_t reg, offset;
	bool known;
};

struct machine {
	uint64_t place, wanted;
	uint64_t code_align;
	struct rule rule;
	struct rule kept[STATES_MAX];
	size_t n_kept;
	bool bad;
};

static void advance(struct machine *machine, uint64_t steps)
{
	machine->place += steps * machine->code_align;
}

/* Instructions that say how the frame is found. False: it is none of them. */
static bool step_frame(struct machine *machine, struct cursor *cursor, uint64_t op)
{
	switch (op) {
	case 0x0a: /* DW_CFA_remember_state */
		if (machine->n_kept < STATES_MAX)
			machine->kept[machine->n_kept++] = machine->rule;
		else
			machine->bad = true;
		return true;
	case 0x0b: /* DW_CFA_restore_state */
		if (machine->n_kept > 0)
			machine->rule = machine->kept[--machine->n_kept];
		else
			machine->bad = true;
		return true;
	case 0x0c: /* DW_CFA_def_cfa */
		machine->rule.reg = take_leb(cursor);
		machine->rule.offset = take_leb(cursor);
		machine->rule.known = true;
		return true;
	case 0x0d: /* DW_CFA_def_cfa_register */
		machine->rule.reg = take_leb(cursor);
		return true;
	case 0x0e: /* DW_CFA_def_cfa_offset */
		machine->rule.offset = take_leb(cursor);
		return true;
	case 0x0f: /* DW_CFA_def_cfa_expression */
		machine->rule.known = false;
		skip(cursor, take_leb(cursor));
		return true;
	default:
		return false;
	}
}

/* Those that say where registers were kept: stepped over. */
static void step_other(struct machine *machine, struct cursor *cursor, uint64_t op)
{
	switch (op) {
	case 0x00: /* DW_CFA_nop */
	case 0x2d: /* DW_CFA_AARCH64_negate_ra_state */
		break;
	case 0x02: /* DW_CFA_advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		advance(machine, take(cursor, 1u << (op - 2)));
		break;
	case 0x06: /* DW_CFA_restore_extended, undefined, same_value, GNU_args_size */
	case 0x07:
	case 0x08:
	case 0x2e:
		(void)take_leb(cursor);
		break;
	case 0x05: /* DW_CFA_offset_extended, register, offset_extended_sf, val_offset, val_offset_sf, GNU_negative */
	case 0x09:
	case 0x11:
	case 0x14:
	case 0x15:
	case 0x2f:
		(void)take_leb(cursor);
		(void)take_leb(cursor);
		break;
	case 0x10: /* DW_CFA_expression, val_expression */
	case 0x16:
		(void)take_leb(cursor);
		skip(cursor, take_leb(cursor));
		break;
	default: /* DW_CFA_set_loc, those with scaled frames, and what is not known */
		machine->bad = true;
	}
}

/* Until the place is passed, or the instructions end. */
static void run(struct machine *machine, const uint8_t *from, size_t len)
{
	struct cursor cursor = { from, from + len, false };

	while (cursor.at < cursor.end && machine->place <= machine->wanted && !machine->bad) {
		uint64_t op = take(&cursor, 1);

		if (op >> 6 == 1) /* DW_CFA_advance_loc */
			advance(machine, op & 0x3f);
		else if (op >> 6 == 2) /* DW_CFA_offset */
			(void)take_leb(&cursor);
		else if (op >> 6 == 0 && !step_frame(machine, &cursor, op))
			step_other(machine, &cursor, op);
		machine->bad |= cursor.bad;
	}
}

bool unwind_by_frame_pointer(const struct unwind_entry *entry, uint64_t address)
{
	struct machine machine = { .place = entry->start, .wanted = address, .code_align = entry->code_align };

	run(&machine, entry->header + entry->header_at, entry->header_len);
	run(&machine, entry->body + entry->body_at, entry->body_len);
	return !machine.bad && machine.rule.known && machine.rule.reg == FRAME_POINTER &&
	       machine.rule.offset == FRAME_POINTER_OFFSET;
}
