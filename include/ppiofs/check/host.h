/* SPDX-License-Identifier: MIT */
/* host: whether this machine lets this user mount: looked at for --check, nothing is changed. */
#pragma once

#include "ppiofs/check/report.h"
#include "ppiofs/options.h"

/* The helper, the device, allow_other, and the mount point if there is one in @options. */
void host_check(Report *report, const Options *options);
