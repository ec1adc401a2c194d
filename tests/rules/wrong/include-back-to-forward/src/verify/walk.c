/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/chain.h"
