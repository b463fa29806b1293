/* `lode remote test`, listed by cmd/remote.c. */
#ifndef CMD_REMOTE_TEST_H
#define CMD_REMOTE_TEST_H

#include "cmd/cmd.h"

extern const struct cmd cmd_remote_test;

#endif
