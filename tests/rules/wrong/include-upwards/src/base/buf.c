/* SPDX-License-Identifier: Apache-2.0 */
#include "format/event.h"
