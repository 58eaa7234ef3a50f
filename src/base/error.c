/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/error.h"

G_DEFINE_QUARK(ppiofs - error - quark, ppiofs_error)
