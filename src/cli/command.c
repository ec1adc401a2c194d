/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands that we print. Promises: what the shell makes of a word is the word, whatever its bytes are; nothing is
 * said about running it. A word that begins with a hyphen is a path of ours and gets "./" in front.
 */

#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

#include "cli/control.h"

#define PLAIN                                                            \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"/._-:,@%+="

const char *command_trust_default(void)
{
	const char *directory = getenv(TRUST_DIRECTORY_ENV);

	return directory && *directory ? directory : TRUST_DIRECTORY_DEFAULT;
}

static void put(struct buf *command, const char *text, size_t len)
{
	(void)buf_append(command, text, len);
}

void command_word(struct buf *command, const char *word)
{
	put(command, " ", 1);
	if (word[0] == '-')
		put(command, "./", 2);
	if (*word && strspn(word, PLAIN) == strlen(word)) {
		put(command, word, strlen(word));
		return;
	}
	put(command, "'", 1);
	for (; *word; word++) {
		if (*word == '\'')
			put(command, "'\\''", 4);
		else
			put(command, word, 1);
	}
	put(command, "'", 1);
}

void command_socket(struct buf *command, const char *path)
{
	if (!*path || strcmp(path, control_default_path()) == 0)
		return;
	put(command, " --socket", 9);
	command_word(command, path);
}

void command_trust(struct buf *command, const char *key_file)
{
	_cleanup_(buf_done) struct buf directory = BUF_MAX(65536);
	const char *usual = command_trust_default(), *slash = strrchr(key_file, '/');
	size_t len = strlen(usual);

	if (!slash || buf_append(&directory, key_file, slash > key_file ? (size_t)(slash - key_file) : 1) < 0 ||
	    !buf_cstr(&directory))
		return;
	while (len > 1 && usual[len - 1] == '/')
		len--;
	if (directory.len == len && memcmp(directory.data, usual, len) == 0)
		return;
	put(command, " --trust", 8);
	command_word(command, directory.data);
}
