/* SPDX-License-Identifier: Apache-2.0 */
#include "somewhere/else.h"
