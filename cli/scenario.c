/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a scenario: its table of keys and the settings map. The runs that it stands for are laid
 * out in plan.c.
 */
#include "cli/scenario.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/datadir.h"
#include "sim/base/text.h"
#include "sim/base/yaml.h"

#define ROW(field) .name = #field, .offset = offsetof(struct scenario, field)

const struct param scenario_params[] = {
	{ ROW(name), .type = PARAM_STRING, .def = "", .help = "name stored with the runs" },
	{ ROW(description), .type = PARAM_STRING, .def = "", .help = "what it is for" },
	{ ROW(workload), .type = PARAM_STRING, .def = "",
	  .help = "a synthetic load's name, or a recording" },
	{ ROW(machines), .type = PARAM_LIST, .def = "", .help = "names below configs/machines" },
	{ ROW(policies), .type = PARAM_LIST, .def = "", .help = "names below configs/policies" },
	{ ROW(threads), .type = PARAM_U32_LIST, .def = "0", .max = 65536,
	  .help = "numbers of threads; 0 = the workload's own" },
	{ ROW(seeds), .type = PARAM_U32, .def = "1", .min = 1, .max = 10000,
	  .help = "runs of each combination: seeds 1 to N" },
	{ ROW(seed), .type = PARAM_U32_LIST, .def = "", .max = 4294967295.0,
	  .help = "these seeds, in place of 1 to N" },
	{ ROW(duration), .type = PARAM_PS, .def = "0",
	  .help = "simulated time; 0 = until the work ends" },
	{ ROW(engine), .type = PARAM_STRING, .def = "native", .choices = sim_engine_names,
	  .help = "what runs it; the results are the same" },
	PARAM_END,
};

bool scenario_init(struct scenario *s, struct err *err)
{
	memset(s, 0, sizeof(*s));
	return param_init(s, scenario_params, err);
}

void scenario_free(struct scenario *s)
{
	param_free(s, scenario_params);
	for (size_t i = 0; i < s->n_set; i++) {
		free(s->set[i].key);
		free(s->set[i].value);
		free((char *)s->set[i].where.file);
	}
	free(s->set);
	memset(s, 0, sizeof(*s));
}

static bool add_setting(struct scenario *s, const char *key, size_t key_size, const char *value,
			struct where where, struct err *err)
{
	struct setting *more = realloc(s->set, (s->n_set + 1) * sizeof(*more));
	struct setting one = { .where = where };

	if (more)
		s->set = more;
	one.key = strndup(key, key_size);
	one.value = strdup(value);
	one.where.file = where.file ? strdup(where.file) : NULL;
	if (!more || !one.key || !one.value) {
		free(one.key);
		free(one.value);
		free((char *)one.where.file);
		return err_set(err, "out of memory");
	}
	s->set[s->n_set++] = one;
	return true;
}

bool scenario_add_setting(struct scenario *s, const char *text, struct where where, struct err *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return err_at(err, where, "'%s': expected KEY=VALUE", text);
	return add_setting(s, text, (size_t)(equals - text), equals + 1, where, err);
}

/* The map below set:, whose nested maps give dotted keys. */
static bool add_settings(struct scenario *s, const struct yaml_node *map, const char *prefix,
			 struct err *err)
{
	char key[256];

	if (map->kind != YAML_MAP)
		return err_at(err, map->where, "set: expected a map of KEY: VALUE");
	for (size_t i = 0; i < map->n; i++) {
		const struct yaml_node *value = map->items[i];

		snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "",
			 map->keys[i]->text);
		if (value->kind == YAML_MAP) {
			if (!add_settings(s, value, key, err))
				return false;
		} else if (value->kind != YAML_SCALAR) {
			return err_at(err, value->where, "%s: expected one value, not a list", key);
		} else if (!add_setting(s, key, strlen(key), value->text, value->where, err)) {
			return false;
		}
	}
	return true;
}

static bool check_complete(const struct yaml_node *root, struct err *err)
{
	static const char *const needed[] = { "workload", "machines", "policies" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!yaml_get(root, needed[i]))
			return err_at(err, root->where, "the key '%s' is missing", needed[i]);
	return true;
}

static bool default_name(struct scenario *s, const char *path, struct err *err)
{
	const char *base = strrchr(path, '/');
	char name[PATH_MAX];

	if (*s->name)
		return true;
	snprintf(name, sizeof(name), "%s", base ? base + 1 : path);
	if (strrchr(name, '.'))
		*strrchr(name, '.') = '\0';
	return param_set(s, scenario_params, "name", name, (struct where){ .file = path }, err);
}

bool scenario_load(struct scenario *s, const char *name, struct err *err)
{
	static const char *const skip[] = { "set", NULL };
	const struct yaml_node *root, *set;
	struct yaml_doc *doc;
	char path[PATH_MAX];
	bool ok;

	if (!datadir_find("configs/scenarios", name, ".yaml", path, sizeof(path), err))
		return false;
	doc = yaml_load(path, err);
	if (!doc)
		return false;
	root = yaml_root(doc);
	set = yaml_get(root, "set");
	ok = yaml_bind(root, s, scenario_params, skip, err) && check_complete(root, err) &&
	     (!set || add_settings(s, set, "", err)) && default_name(s, path, err);
	yaml_free(doc);
	return ok;
}
