/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/common_name.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by their bytes. The fields of the published OpenAPI document, and a few of the numbers
 * that name elements of arrays. */
static const char *const common_names[] = {
    "0",
    "1",
    "12",
    "2",
    "22",
    "3",
    "4",
    "6",
    "8080",
    "8888",
    "auto_migrate",
    "auto_renew",
    "base_price",
    "billing",
    "command",
    "cpu_num",
    "created_at",
    "enabled",
    "end_time",
    "endpoint",
    "entrypoint",
    "envs",
    "gpu_ids",
    "gpu_num",
    "id",
    "image",
    "include_system_disk",
    "instance_base_price",
    "instance_endpoint",
    "instance_price",
    "ip",
    "jupyter",
    "last_started_at",
    "last_stopped_at",
    "log",
    "member_id",
    "memory_gb",
    "mode",
    "month",
    "month_spec_id",
    "monthly_price",
    "months",
    "mount_point",
    "name",
    "network",
    "owner_id",
    "password",
    "port",
    "ports",
    "prepaid",
    "price",
    "price_precision",
    "pricing",
    "product_id",
    "protocol",
    "region",
    "region_version",
    "registry_auth_id",
    "resource_specs",
    "rootfs_size_gb",
    "rootfs_storage_price",
    "spot",
    "spot_reclaim_time",
    "spot_status",
    "ssh",
    "ssh_command",
    "status",
    "status_error",
    "status_message",
    "system_endpoint",
    "tools",
    "type",
    "username",
    "volumes",
    "web_terminal",
};

static int compare_names(const void *name, const void *element)
{
    return strcmp(name, *(const char *const *)element);
}

guint32 common_name_find(const char *name)
{
    const char *const *found = bsearch(name, common_names, G_N_ELEMENTS(common_names),
                                       sizeof *common_names, compare_names);

    return found == NULL ? COMMON_NAME_NONE : (guint32)(found - common_names);
}

const char *common_name(guint32 number)
{
    return common_names[number];
}

guint32 common_name_count(void)
{
    return G_N_ELEMENTS(common_names);
}
