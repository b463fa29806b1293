/* Results that several commands word alike. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

struct checkout_result;
struct ctx;
struct report;

/* "M<TAB>d/" lines of a checkout's report. */
void summary_changes(struct ctx *ctx, const struct report *rep);
/* "1 file modified, 2 files added and 1 file deleted", or "No changes." */
void summary_counts(struct ctx *ctx, const struct report *rep);
/* "Would place 3 files, 1.2 MB" */
void summary_bytes(struct ctx *ctx, const char *what, uint64_t files, uint64_t bytes);
/* Tell a failed checkout in DVC's words, the whole list of names with it. prefix
 * is "" or "failed to ... - ". False where the story in err says it all. */
bool summary_checkout_error(struct ctx *ctx, const char *prefix,
			    const struct checkout_result *res, int r);

#endif
