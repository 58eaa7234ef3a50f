/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/kind.h"

/* Shapes are from the published OpenAPI document. */
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

const Kind kinds[] = {
    { .directory = "instances",
      .one = "instance",
      .route = "/gpus/v2/instances",
      .items = "data",
      .identity = "id",
      .name = "name",
      .times = (const char *const[]){ "created_at", "last_started_at", "last_stopped_at", NULL },
      .gone = (const char *const[]){ "toRemove", "removing", "removed", NULL },
      .rules = instance_rules,
      .links = (const KindLink[]){ { "by-name", "name" },
                                   { "by-region", "region" },
                                   { "by-status", "status" },
                                   { "by-type", "type" },
                                   { 0 } } },
};
const guint n_kinds = G_N_ELEMENTS(kinds);
