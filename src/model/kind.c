/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/kind.h"

#define SECONDS ((gint64)G_USEC_PER_SEC)

/* Shapes are from the published OpenAPI documents. */
static const FieldRule instance_rules[] = {
    { "auto_migrate", RULE_OBJECT, NULL },
    { "billing", RULE_OBJECT, NULL },
    { "billing.prepaid", RULE_OBJECT, NULL },
    { "billing.prepaid.auto_renew", RULE_OBJECT, NULL },
    { "envs", RULE_MAP, "key" },
    { "network", RULE_OBJECT, NULL },
    { "ports", RULE_LIST, "port" },
    { "pricing", RULE_OBJECT, NULL },
    { "pricing.prepaid", RULE_OBJECT, NULL },
    { "pricing.prepaid.monthly_price", RULE_LIST, "month" },
    { "pricing.spot", RULE_OBJECT, NULL },
    { "resource_specs", RULE_OBJECT, NULL },
    { "status", RULE_FLATTEN, "status" },
    { "tools", RULE_OBJECT, NULL },
    { "tools.jupyter", RULE_OBJECT, NULL },
    { "tools.log", RULE_OBJECT, NULL },
    { "tools.ssh", RULE_OBJECT, NULL },
    { "tools.ssh.command", RULE_ALSO_AS, "ssh_command" },
    { "tools.web_terminal", RULE_OBJECT, NULL },
    { "volumes", RULE_LIST, NULL },
    { 0 },
};

static const KindColumn instance_columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "status", "status" },
    { "type", "type" },
    { "gpu_num", "resource_specs/gpu_num" },
    { "product_id", "product_id" },
    { "region", "region" },
    { "billing_mode", "billing/mode" },
    { "image", "image" },
    { "created_at", "created_at" },
    { "last_started_at", "last_started_at" },
    { 0 },
};

static const KindColumn port_columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "port", "*port" },
    { "protocol", "*protocol" },
    { "endpoint", "*endpoint" },
    { 0 },
};

static const KindColumn volume_columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "type", "*type" },
    { "volume_id", "*id" },
    { "mount_point", "*mount_point" },
    { 0 },
};

static const FieldRule product_rules[] = {
    { "activity", RULE_OBJECT, NULL },
    { "pricing", RULE_OBJECT, NULL },
    { "pricing.postpaid", RULE_OBJECT, NULL },
    { "pricing.prepaid", RULE_LIST, "duration_months" },
    { "pricing.spot", RULE_OBJECT, NULL },
    { "resource_spec", RULE_OBJECT, NULL },
    { "resource_spec.gpu", RULE_OBJECT, NULL },
    { "resource_spec.rootfs", RULE_OBJECT, NULL },
    { 0 },
};

static const KindColumn product_columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "gpu", "resource_spec/gpu/name" },
    { "gpu_memory_gb", "resource_spec/gpu/memory_gb" },
    { "available", "resource_spec/gpu/available" },
    { "max_available", "resource_spec/gpu/max_available" },
    { "inventory_state", "inventory_state" },
    { "deployable", "deployable" },
    { "postpaid_price", "pricing/postpaid/final_price" },
    { "spot_price", "pricing/spot/final_price" },
    { "storage_price", "pricing/storage_price_per_gb" },
    { "precision", "pricing/precision" },
    { "regions", "region_ids", COLUMN_LIST },
    { 0 },
};

static const FieldRule region_rules[] = {
    { "feature", RULE_OBJECT, NULL },
    { 0 },
};

static const FieldRule endpoint_rules[] = {
    { "envs", RULE_MAP, "key" },
    { "health_check", RULE_OBJECT, NULL },
    { "policy", RULE_OBJECT, NULL },
    { "status", RULE_FLATTEN, "status" },
    { "volumes", RULE_LIST, NULL },
    { "worker_config", RULE_OBJECT, NULL },
    { "workers", RULE_LIST, "id" },
    { "workers.log", RULE_SECRET, NULL },
    { "workers.status", RULE_OBJECT, NULL },
    { 0 },
};

static const KindColumn endpoint_columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "status", "status" },
    { "url", "url" },
    { "product_id", "product_id" },
    { "min_replicas", "worker_config/min_replicas" },
    { "max_replicas", "worker_config/max_replicas" },
    { "workers", "workers", COLUMN_COUNT },
    { "image", "image" },
    { 0 },
};

static const FieldRule template_rules[] = {
    { "envs", RULE_MAP, "key" },
    { "metadata", RULE_OBJECT, NULL },
    { "ports", RULE_LIST, "port" },
    { 0 },
};

static const FieldRule status_rules[] = {
    { "status", RULE_FLATTEN, "status" },
    { 0 },
};

static const char *const instance_times[] = { "created_at", "last_started_at", "last_stopped_at",
                                              NULL };
static const char *const created[] = { "created_at", NULL };
static const char *const created_and_updated[] = { "created_at", "updated_at", NULL };
static const char *const created_and_completed[] = { "created_at", "completed_at", NULL };
static const char *const removed[] = { "toRemove", "removing", "removed", NULL };

const Kind kinds[] = {
    { .directory = "instances",
      .one = "instance",
      .about = "the instances of the account: status, image, ssh_command, ...",
      .route = "/gpus/v2/instances",
      .items = "data",
      .identity = "id",
      .name = "name",
      .times = instance_times,
      .gone = removed,
      .rules = instance_rules,
      .links = (const KindLink[]){ { "by-name", "name" },
                                   { "by-product", "product_id" },
                                   { "by-region", "region" },
                                   { "by-status", "status" },
                                   { "by-type", "type" },
                                   { 0 } },
      .tables = (const KindTable[]){ { "instances.tsv", NULL, instance_columns },
                                     { "ports.tsv", "ports", port_columns },
                                     { "volumes.tsv", "volumes", volume_columns },
                                     { 0 } },
      .single_get = TRUE },
    { .directory = "products",
      .one = "product",
      .about = "GPU instances that can be rented: free cards, regions, prices",
      .route = "/gpus/v2/products",
      .query = "type=gpu&category=instance",
      .items = "data",
      .identity = "id",
      .name = "name",
      .rules = product_rules,
      .tables = (const KindTable[]){ { "products.tsv", NULL, product_columns }, { 0 } },
      .lives_us = 30 * SECONDS },
    { .directory = "products-cpu",
      .one = "product",
      .about = "CPU instances that can be rented",
      .route = "/gpus/v2/products",
      .query = "type=cpu&category=instance",
      .items = "data",
      .identity = "id",
      .name = "name",
      .rules = product_rules,
      .lives_us = 300 * SECONDS },
    { .directory = "products-serverless",
      .one = "product",
      .about = "what serverless endpoints can run on",
      .route = "/gpus/v2/products",
      .query = "type=gpu&category=serverless",
      .items = "data",
      .identity = "id",
      .name = "name",
      .rules = product_rules,
      .lives_us = 300 * SECONDS },
    { .directory = "regions",
      .one = "region",
      .about = "the regions and what they offer",
      .route = "/gpus/v2/regions",
      .items = "data",
      .identity = "id",
      .name = "name",
      .rules = region_rules,
      .lives_us = 3600 * SECONDS },
    { .directory = "endpoints",
      .one = "endpoint",
      .about = "the serverless endpoints of the account: status, url, workers",
      .route = "/gpus/v2/endpoints",
      .items = "data",
      .identity = "id",
      .name = "name",
      .times = created,
      .rules = endpoint_rules,
      .tables = (const KindTable[]){ { "endpoints.tsv", NULL, endpoint_columns }, { 0 } } },
    { .directory = "templates",
      .one = "template",
      .about = "the templates: image, ports, variables",
      .route = "/gpus/v2/templates",
      .items = "data",
      .identity = "id",
      .name = "name",
      .times = created_and_updated,
      .rules = template_rules,
      .lives_us = 300 * SECONDS },
    { .directory = "networks",
      .one = "network",
      .about = "the private networks of the account",
      .route = "/gpus/v2/networks",
      .items = "data",
      .identity = "id",
      .name = "name",
      .times = created,
      .rules = status_rules,
      .lives_us = 60 * SECONDS },
    { .directory = "prewarm-tasks",
      .one = "prewarm task",
      .about = "images that are being copied to regions in advance",
      .route = "/gpus/v2/prewarm-tasks",
      .items = "data",
      .identity = "task_id",
      .name = "name",
      .times = created_and_completed,
      .rules = status_rules,
      .lives_us = 30 * SECONDS },
};
const guint n_kinds = G_N_ELEMENTS(kinds);

gboolean kinds_parse(const char *text, guint *ret_set)
{
    g_auto(GStrv) words = g_strsplit(text, ":", -1);
    guint set = strcmp(text, KINDS_ALL) == 0 ? kinds_all() : 0;

    for (gsize i = 0; set != kinds_all() && words[i] != NULL; i++) {
        guint kind = 0;

        while (kind < n_kinds && strcmp(kinds[kind].directory, words[i]) != 0)
            kind++;
        if (kind == n_kinds)
            return FALSE;
        set |= 1u << kind;
    }
    *ret_set = set;
    return set != 0;
}

char *kinds_words(guint set)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (set == kinds_all())
        return g_strdup(KINDS_ALL);
    for (guint i = 0; i < n_kinds; i++)
        if (set & 1u << i)
            g_ptr_array_add(words, (gpointer)kinds[i].directory);
    g_ptr_array_add(words, NULL);
    return g_strjoinv(":", (char **)words->pdata);
}
