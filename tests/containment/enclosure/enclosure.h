/* The enclosure: puts one layer after another of somebody else's sandbox around a command, so
 * that tests see what a program does in containers and sandboxes that it did not make. It must
 * never change the host: whatever is the machine's own is changed in a namespace only. */
#ifndef ENCLOSURE_H
#define ENCLOSURE_H
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Ends the program: an enclosure that is not complete would make a test mean nothing. */
void must(int holds, const char *step);

/* Lets the rest run in a child, and ends as that does; returns in the child alone. */
void go_on_in_child(int held);

void filter_as_docker(const char *unused);
void filter_refusing(const char *calls);   /* NAME:ERRNO,NAME:ERRNO */
void filter_listening(const char *unused);
void domain_granting(const char *paths);   /* what can be reached below: PATH,PATH */
void domains(const char *count);           /* which grant everything */
#endif
