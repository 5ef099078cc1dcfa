/* attacker NAME ARGUMENT...: runs one attack, and prints its errno. */
#include "attack.h"

int dump(int fd)
{
	char bytes[4096];
	ssize_t count;
	if (fd == -1)
		return errno;
	while ((count = read(fd, bytes, sizeof bytes)) > 0)
		if (write(1, bytes, count) != count)
			return errno;
	return count == -1 ? errno : 0;
}

int list(int fd)
{
	char bytes[4096];
	long count, at;
	if (fd == -1)
		return errno;
	while ((count = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) > 0)
		for (at = 0; at < count; at += *(unsigned short *)(bytes + at + 16))
			printf("%s\n", bytes + at + 19);
	return count == -1 ? errno : 0;
}

int main(int count, char **argument)
{
	const struct entry *tables[] = { reading, changing, metadata, network, processes, races,
		greed };
	if (count < 2)
		return 2;
	for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
		for (const struct entry *one = tables[table]; one->name; one++)
			if (!strcmp(one->name, argument[1])) {
				int error = one->run(argument + 2);
				printf("\nerrno=%d\n", error);
				fflush(stdout);
				return error != 0;
			}
	fprintf(stderr, "no attack %s\n", argument[1]);
	return 2;
}
