/* main() for fuzz targets that replay files: each argument is one input. */
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf input = {0};
		struct err e = {0};

		if (fs_read(AT_FDCWD, argv[i], 0, &input, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&input), input.n);
		buf_release(&input);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
