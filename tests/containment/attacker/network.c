/* Ways out: argument 0 is a port of a listener on this machine, or a socket's path. */
#include "attack.h"
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

static struct sockaddr_in v4(char **a)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(a[0])) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return to;
}
static struct sockaddr_in6 v6(char **a)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(a[0])), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	return to;
}
#define SOCKET(...) int fd = syscall(SYS_socket, __VA_ARGS__); if (fd == -1) return errno

static int tcp(char **a)
{
	struct sockaddr_in to = v4(a);
	SOCKET(AF_INET, SOCK_STREAM, 0);
	return CALL(SYS_connect, fd, &to, sizeof to);
}
static int tcp6(char **a)
{
	struct sockaddr_in6 to = v6(a);
	SOCKET(AF_INET6, SOCK_STREAM, 0);
	return CALL(SYS_connect, fd, &to, sizeof to);
}
static int tcp_fast_open(char **a)
{
	struct sockaddr_in to = v4(a);
	SOCKET(AF_INET, SOCK_STREAM, 0);
	return sendto(fd, "secret", 6, MSG_FASTOPEN, (void *)&to, sizeof to) == -1 ? errno : 0;
}
static int multipath(char **a)
{
	struct sockaddr_in to = v4(a);
	SOCKET(AF_INET, SOCK_STREAM, 262);
	return CALL(SYS_connect, fd, &to, sizeof to);
}
static int high_family(char **a)
{
	struct sockaddr_in to = v4(a);
	SOCKET(0xffff00000000UL | AF_INET, SOCK_STREAM, 0);
	return CALL(SYS_connect, fd, &to, sizeof to);
}
static int udp(char **a)
{
	struct sockaddr_in to = v4(a);
	SOCKET(AF_INET, SOCK_DGRAM, 0);
	return sendto(fd, "secret", 6, 0, (void *)&to, sizeof to) == -1 ? errno : 0;
}
static int udp6(char **a)
{
	struct sockaddr_in6 to = v6(a);
	SOCKET(AF_INET6, SOCK_DGRAM, 0);
	return sendto(fd, "secret", 6, 0, (void *)&to, sizeof to) == -1 ? errno : 0;
}
static int tcp_listen(char **a)
{
	(void)a;
	SOCKET(AF_INET, SOCK_STREAM, 0);
	return CALL(SYS_listen, fd, 1);
}
static int udp_bind(char **a)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	(void)a;
	SOCKET(AF_INET, SOCK_DGRAM, 0);
	return CALL(SYS_bind, fd, &at, sizeof at);
}
static struct sockaddr_un un(char **a, char first)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path + !first, sizeof to.sun_path - 1, "%s", a[0]);
	return to;
}
static int unix_stream(char **a)
{
	struct sockaddr_un to = un(a, 'p');
	SOCKET(AF_UNIX, SOCK_STREAM, 0);
	return CALL(SYS_connect, fd, &to, sizeof to);
}
static int unix_datagram(char **a)
{
	struct sockaddr_un to = un(a, 'p');
	SOCKET(AF_UNIX, SOCK_DGRAM, 0);
	return sendto(fd, "secret", 6, 0, (void *)&to, sizeof to) == -1 ? errno : 0;
}
/* One end of a datagram pair can be pointed at any named socket. */
static int pair_datagram(char **a)
{
	struct sockaddr_un to = un(a, 'p');
	int ends[2];
	if (syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, ends))
		return errno;
	return sendto(ends[0], "secret", 6, 0, (void *)&to, sizeof to) == -1 ? errno : 0;
}
static int abstract(char **a)
{
	struct sockaddr_un to = un(a, 0);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a[0]);
	SOCKET(AF_UNIX, SOCK_STREAM, 0);
	return CALL(SYS_connect, fd, &to, length);
}
static int opened(char **a)
{
	SOCKET(atoi(a[0]), atoi(a[1]), atoi(a[2]));
	return 0;
}
/* What must keep working. */
static int pair(char **a)
{
	char byte;
	int ends[2];
	(void)a;
	if (syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return errno;
	if (send(ends[0], "x", 1, 0) != 1 || recv(ends[1], &byte, 1, 0) != 1)
		return errno;
	return 0;
}

const struct entry network[] = {
	{ "tcp", tcp }, { "tcp6", tcp6 }, { "tcp-fast-open", tcp_fast_open },
	{ "multipath", multipath }, { "high-family", high_family }, { "udp", udp }, { "udp6", udp6 },
	{ "tcp-listen", tcp_listen }, { "udp-bind", udp_bind }, { "unix-stream", unix_stream },
	{ "unix-datagram", unix_datagram }, { "pair-datagram", pair_datagram },
	{ "abstract", abstract }, { "socket", opened }, { "pair", pair }, { 0, 0 },
};
