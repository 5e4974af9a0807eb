// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The axes, the choices that registered themselves, and policy sets read from YAML.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/policy/policy.h"
#include "sim/base/datadir.h"
#include "sim/base/text.h"
#include "sim/base/yaml.h"

SECTION_DECLARE(policies);

#define MAX_EXTENDS 16

const struct policy_axis_desc policy_axes[POLICY_AXES] = {
	[AXIS_FLUSH_GATHERING] = { "flush-gathering", "which cleared PTEs share a flush" },
	[AXIS_SHOOTDOWN] = { "shootdown", "how other CPUs forget a translation" },
	[AXIS_TABLE_FREEING] = { "table-freeing", "when an unhooked page table may be freed" },
	[AXIS_TABLE_LOCKS] = { "table-locks", "which lock guards a page table" },
	[AXIS_SECONDARY_TLBS] = { "secondary-tlbs", "who else keeps translations" },
	[AXIS_RCU_CALLBACKS] = { "rcu-callbacks", "where RCU callbacks run" },
	[AXIS_MMAP_LOCKING] = { "mmap-locking", "what faults and madvise lock" },
	[AXIS_LRU] = { "lru", "how folios reach the LRU lists" },
	[AXIS_PAGE_LISTS] = { "page-lists", "free pages between CPUs and the zone" },
	[AXIS_RSS_COUNTERS] = { "rss-counters", "how an mm counts its pages" },
	[AXIS_HUGE_PAGES] = { "huge-pages", "which anonymous memory gets huge pages" },
	[AXIS_COLLAPSE] = { "collapse", "how small pages become a huge one" },
	[AXIS_BATCHED_UNMAP] = { "batched-unmap", "when reclaim flushes what it unmaps" },
	[AXIS_KSM] = { "ksm", "whether equal pages are merged" },
	[AXIS_RETRACT] = { "retract", "how PTE tables go when a file gets a huge page" },
	[AXIS_NUMA] = { "numa-balancing", "whether pages follow their users to another node" },
};

static int compare_choices(const void *a, const void *b)
{
	const struct policy_choice *x = *(const struct policy_choice *const *)a;
	const struct policy_choice *y = *(const struct policy_choice *const *)b;

	return x->axis != y->axis ? (int)x->axis - (int)y->axis : strcmp(x->name, y->name);
}

size_t policy_choices(const struct policy_choice ***sorted)
{
	size_t n = 0;

	section_for_each(policies, pos)
		n++;
	*sorted = calloc(n ? n : 1, sizeof(**sorted));
	n = 0;
	section_for_each(policies, pos)
		(*sorted)[n++] = *pos;
	qsort(*sorted, n, sizeof(**sorted), compare_choices);
	return n;
}

const struct policy_choice *policy_find(enum policy_axis axis, const char *name)
{
	section_for_each(policies, pos) {
		const struct policy_choice *c = *pos;

		if (c->axis == axis && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

static bool find_axis(const char *name, size_t len, enum policy_axis *axis)
{
	for (unsigned int a = 0; a < POLICY_AXES; a++) {
		if (strlen(policy_axes[a].name) == len &&
		    !strncmp(policy_axes[a].name, name, len)) {
			*axis = (enum policy_axis)a;
			return true;
		}
	}
	return false;
}

static void drop_pick(struct policy_pick *pick)
{
	if (pick->choice && pick->choice->params)
		param_free(pick->params, pick->choice->params);
	free(pick->params);
	*pick = (struct policy_pick){ 0 };
}

static bool choose(struct policy_set *set, enum policy_axis axis, const char *name,
		   struct where where, struct err *err)
{
	const struct policy_choice *c = policy_find(axis, name);
	struct policy_pick *pick = &set->pick[axis];
	struct nearest n;

	if (!c) {
		nearest_init(&n, name);
		section_for_each(policies, pos) {
			const struct policy_choice *other = *pos;

			if (other->axis == axis)
				nearest_offer(&n, other->name);
		}
		if (nearest_result(&n))
			return err_at(err, where, "%s has no choice '%s' (did you mean '%s'?)",
				      policy_axes[axis].name, name, nearest_result(&n));
		return err_at(err, where, "%s has no choice '%s': see 'mmsim list policies'",
			      policy_axes[axis].name, name);
	}
	drop_pick(pick);
	pick->choice = c;
	if (!c->params)
		return true;
	pick->params = calloc(1, c->params_size);
	return param_init(pick->params, c->params, err);
}

static bool read_pick(struct policy_set *set, enum policy_axis axis, const struct yaml_node *value,
		      struct err *err)
{
	static const char *const skip[] = { "choice", NULL };
	static const struct param none[] = { PARAM_END };
	const struct yaml_node *name = value;
	struct policy_pick *pick = &set->pick[axis];

	if (value->kind == YAML_MAP) {
		name = yaml_get(value, "choice");
		if (!name && !pick->choice)
			return err_at(err, value->where, "%s: expected 'choice: NAME'",
				      policy_axes[axis].name);
	}
	if (name && name->kind != YAML_SCALAR)
		return err_at(err, value->where, "%s: expected a choice's name",
			      policy_axes[axis].name);
	if (name && !choose(set, axis, name->text, name->where, err))
		return false;
	if (value->kind != YAML_MAP)
		return true;
	return yaml_bind(value, pick->params, pick->choice->params ? pick->choice->params : none,
			 skip, err);
}

static bool read_choices(struct policy_set *set, const struct yaml_node *choices, struct err *err)
{
	if (choices->kind != YAML_MAP)
		return err_at(err, choices->where, "choices: expected a mapping of axis to choice");
	for (size_t i = 0; i < choices->n; i++) {
		const char *name = choices->keys[i]->text;
		enum policy_axis axis;
		struct nearest n;

		if (find_axis(name, strlen(name), &axis)) {
			if (!read_pick(set, axis, choices->items[i], err))
				return false;
			continue;
		}
		nearest_init(&n, name);
		for (unsigned int a = 0; a < POLICY_AXES; a++)
			nearest_offer(&n, policy_axes[a].name);
		return err_at(err, choices->keys[i]->where, "unknown axis '%s'%s%s%s", name,
			      nearest_result(&n) ? " (did you mean '" : "",
			      nearest_result(&n) ? nearest_result(&n) : "",
			      nearest_result(&n) ? "'?)" : "");
	}
	return true;
}

struct set_file {
	char *name, *description, *extends;
};

static const struct param set_params[] = {
	{ .name = "name",
	  .type = PARAM_STRING,
	  .offset = offsetof(struct set_file, name),
	  .help = "the set's name" },
	{ .name = "description",
	  .type = PARAM_STRING,
	  .offset = offsetof(struct set_file, description),
	  .def = "",
	  .help = "one line" },
	{ .name = "extends",
	  .type = PARAM_STRING,
	  .offset = offsetof(struct set_file, extends),
	  .def = "",
	  .help = "the set whose choices hold where this one makes none" },
	PARAM_END
};

static bool load_into(const char *name, struct policy_set *set, unsigned int depth,
		      struct err *err);

static bool read_set(const char *path, struct policy_set *set, unsigned int depth, struct err *err)
{
	static const char *const skip[] = { "choices", NULL };
	struct set_file file;
	struct yaml_doc *doc = yaml_load(path, err);
	const struct yaml_node *choices;
	bool ok;

	if (!doc)
		return false;
	ok = param_init(&file, set_params, err) &&
	     yaml_bind(yaml_root(doc), &file, set_params, skip, err);
	if (ok && file.extends[0] && depth >= MAX_EXTENDS)
		ok = err_set(err, "%s: 'extends' goes round in a circle", path);
	if (ok && file.extends[0])
		ok = load_into(file.extends, set, depth + 1, err);
	choices = yaml_get(yaml_root(doc), "choices");
	if (ok && choices)
		ok = read_choices(set, choices, err);
	if (ok) {
		free(set->name);
		free(set->description);
		set->name = strdup(file.name);
		set->description = strdup(file.description);
	}
	param_free(&file, set_params);
	yaml_doc_free(doc);
	return ok;
}

static bool load_into(const char *name, struct policy_set *set, unsigned int depth, struct err *err)
{
	char path[4096];

	if (!datadir_find("configs/policies", name, ".yaml", path, sizeof(path), err))
		return false;
	return read_set(path, set, depth, err);
}

bool policy_set_load(const char *name, struct policy_set *set, struct err *err)
{
	*set = (struct policy_set){ 0 };
	if (!load_into(name, set, 0, err)) {
		policy_set_free(set);
		return false;
	}
	for (unsigned int a = 0; a < POLICY_AXES; a++) {
		if (set->pick[a].choice)
			continue;
		err_set(err, "policy set %s chooses nothing for the axis '%s'", name,
			policy_axes[a].name);
		policy_set_free(set);
		return false;
	}
	return true;
}

bool policy_set_override(struct policy_set *set, const char *key, const char *value,
			 struct where where, bool *known, struct err *err)
{
	const char *dot = strchr(key, '.');
	static const struct param none[] = { PARAM_END };
	enum policy_axis axis;
	struct policy_pick *pick;

	*known = find_axis(key, dot ? (size_t)(dot - key) : strlen(key), &axis);
	if (!*known)
		return true;
	if (!dot)
		return choose(set, axis, value, where, err);
	pick = &set->pick[axis];
	return param_set(pick->params, pick->choice->params ? pick->choice->params : none, dot + 1,
			 value, where, err);
}

void policy_set_free(struct policy_set *set)
{
	for (unsigned int a = 0; a < POLICY_AXES; a++)
		drop_pick(&set->pick[a]);
	free(set->name);
	free(set->description);
	*set = (struct policy_set){ 0 };
}
