/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/common_name.h"

#include <string.h>

/* Sorted by their bytes. The fields of the published OpenAPI document, and a few of the numbers
 * that name elements of arrays. */
static const char *const common_names[] = { "0",
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
                                            "web_terminal"

};

guint32 common_name_find(const char *name)
{
    guint32 low = 0, high = G_N_ELEMENTS(common_names);

    while (low < high) {
        guint32 middle = low + (high - low) / 2;
        int order = strcmp(common_names[middle], name);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return COMMON_NAME_NONE;
}

const char *common_name(guint32 number)
{
    return common_names[number];
}
