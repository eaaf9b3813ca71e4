/* What the programs of this folder share. */
#ifndef MUST_H
#define MUST_H

#include "tapetum.h"

#include <stdio.h>
#include <stdlib.h>

/* JSON as it is written, without quotes around it. */
#define JSON(...) #__VA_ARGS__

/* A call that must succeed: the message of one that does not is printed, and the program ends. */
#define MUST(call)                                                                      \
    do {                                                                                \
        if ((call) != TAPETUM_STATUS_OK) {                                              \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, tapetum_message());      \
            exit(EXIT_FAILURE);                                                         \
        }                                                                               \
    } while (0)

/* What must hold of a result. */
#define CHECK(condition)                                                                \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
            exit(EXIT_FAILURE);                                                         \
        }                                                                               \
    } while (0)

/* The device of the first argument, "cpu" where there is none. */
static inline tapetum_device *device_of(int argc, char **argv)
{
    tapetum_device *device = NULL;
    const char *name = NULL;
    MUST(tapetum_device_open(argc > 1 ? argv[1] : "cpu", &device));
    MUST(tapetum_device_name(device, &name));
    printf("on %s\n", name);
    return device;
}

#endif
