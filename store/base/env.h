/*
 * The environment, read in one place. Below cmd/ only the credential chain of
 * a remote, the config levels and the temporary paths ask it; each header says
 * so. Values are copied at the first call for a name and never change after.
 */
#ifndef STORE_BASE_ENV_H
#define STORE_BASE_ENV_H

const char *env_get(const char *name);	   /* NULL when unset or empty */
const char *env_get_raw(const char *name); /* NULL when unset only */

#endif
