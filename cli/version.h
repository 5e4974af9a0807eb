/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which mmsim this is: the version of the project and the source revision it was built from. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

const char *mmsim_version(void);
/* Abbreviated commit, "-dirty" after it if files were changed; "unknown" outside of a checkout. */
const char *mmsim_revision(void);

#endif
