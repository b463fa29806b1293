/*
 * The one setting of git that ignore rules need, core.excludesFile, read the way
 * git reads its files: system, global, repository, work tree, the last one wins;
 * include.path is followed. Reads the environment, see gitignore.h.
 */
#ifndef STORE_VCS_GITCONFIG_H
#define STORE_VCS_GITCONFIG_H

struct vcs;

/* The file's path, absolute, malloc'ed; NULL when there is none to look at. A
 * config file that does not parse counts up to where it does. */
char *gitconfig_excludes(const struct vcs *v);

#endif
