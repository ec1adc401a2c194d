/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The verbs of `stella signals`: one file each, one row in the table of main.c. argv[0] is the verb's name as
 * it was typed; the result is the exit status (enum exit_status). A verb parses with options_parse, prints facts
 * to stdout and talk to stderr, and leaves flushing and closing to main.
 */

int verb_start(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_health(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_verify_chain(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_keygen(int argc, char **argv);
int verb_trusted_root(int argc, char **argv);
int verb_bundle(int argc, char **argv);
