/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The report of verify-chain as a page for people. */

/* `json` as stella_report_json gives it. Prints to stdout; -EBADMSG, -ENOMEM. */
int verify_page_print(const char *json, const char *directory);
