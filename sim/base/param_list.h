/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two list types of parameters, as rows of param_ops want them. Private to sim/base. */
#ifndef SIM_BASE_PARAM_LIST_H
#define SIM_BASE_PARAM_LIST_H

#include "sim/base/param.h"

#define PARAM_KIND_LIST     "a comma-separated list"
#define PARAM_KIND_U32_LIST "whole numbers and ranges such as 1-4, comma-separated"

bool param_list_read(void *value, const char *text, const struct param *row, struct err *err);
char *param_list_write(const void *value, const struct param *row);
void param_list_free(void *value);
bool param_list_copy(void *dst, const void *src);

bool param_u32_list_read(void *value, const char *text, const struct param *row, struct err *err);
char *param_u32_list_write(const void *value, const struct param *row);
void param_u32_list_free(void *value);
bool param_u32_list_copy(void *dst, const void *src);

#endif
