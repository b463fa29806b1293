#include "store/fmt/fmt.h"

#include "store/fmt/number.h"

void fmt_double(struct buf *out, double f)
{
	number_add(out, f);
}
