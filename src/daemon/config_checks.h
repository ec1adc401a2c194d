/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checks of single values for the table of options: NULL = good, or why not. */

const char *check_absolute(const char *text);
const char *check_socket(const char *text);
const char *check_signing(const char *text);
const char *check_power_of_two(const char *text);
const char *check_glob(const char *text);
const char *check_path_or_none(const char *text);
const char *check_probe(const char *text);
const char *check_namespace(const char *text);
const char *check_command(const char *text);
const char *check_selector(const char *text);
const char *check_engine(const char *text);
const char *check_label(const char *text);
const char *check_key_id(const char *text);
const char *check_key_id_or_none(const char *text);
const char *check_url(const char *text);
const char *check_url_or_none(const char *text);
const char *check_rekor(const char *text);
const char *check_origin_or_none(const char *text);
const char *check_vkey(const char *text);
