/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stopwatch COMMAND...: runs it without its output, and prints how long it took, in us. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char **argv) {
        long long began = now_usec();
        int status;
        pid_t pid;

        if (argc < 2)
                return 2;
        pid = fork();
        if (pid == 0) {
                dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
                execvp(argv[1], argv + 1);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return 1;
        printf("%lld\n", now_usec() - began);
        return 0;
}
