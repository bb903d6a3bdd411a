/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two people who keep what they are in a file each: talk KEY ALICE BOB. KEY has 32 random bytes. A
 * run goes on where the last one ended, and nothing leaves before its step is on the disk. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "e2ee.h"

#define ROWS 5
struct row { char name[16]; uint64_t revision, len; uint8_t *bytes; };
struct person {
    e2ee_signal_address address;
    const char *path;
    struct row rows[ROWS + 1]; /* ends with a row without bytes */
    e2ee_signal_device *device; e2ee_signal_session *session;
};

static void must(int done, const char *what) {
    if (!done) { fprintf(stderr, "talk: %s\n", what); exit(EXIT_FAILURE); }
}

static void check(e2ee_status status) { must(status == E2EE_OK, e2ee_status_name(status)); }
static struct row *find(struct person *who, const char *name) {
    struct row *row = who->rows;
    while (row->bytes != NULL && strcmp(row->name, name) != 0) row++;
    must(row < who->rows + ROWS && strlen(name) < sizeof row->name, "a record too many");
    return row;
}

static void put(struct person *who, e2ee_record write) {
    struct row *row = find(who, write.name);
    uint8_t *copy = malloc(write.sealed_len);
    must(copy != NULL && row->revision == write.base_revision, "another process wrote");
    free(row->bytes);
    *row = (struct row){"", write.revision, write.sealed_len, copy};
    memcpy(row->name, write.name, strlen(write.name));
    memcpy(copy, write.sealed, write.sealed_len);
}

/* Replaces the file at once: all rows of a step are in it, or none. */
static void write_file(struct person *who) {
    FILE *file = fopen("talk.new", "wb");
    must(file != NULL, "cannot write");
    for (struct row *row = who->rows; row->bytes != NULL; row++)
        must(fwrite(row, offsetof(struct row, bytes), 1, file) == 1
             && fwrite(row->bytes, row->len, 1, file) == 1, "cannot write");
    must(fflush(file) == 0 && fsync(fileno(file)) == 0 && fclose(file) == 0, "cannot save");
    must(rename("talk.new", who->path) == 0, "cannot rename");
    int folder = open(".", O_RDONLY); /* run it where the files are */
    must(folder >= 0 && fsync(folder) == 0 && close(folder) == 0, "cannot save the folder");
}

static void read_file(struct person *who) {
    FILE *file = fopen(who->path, "rb");
    if (file == NULL) return;
    struct row *row = who->rows;
    for (; fread(row, offsetof(struct row, bytes), 1, file) == 1; row++) {
        must(row < who->rows + ROWS && row->len < 1 << 24, "not a file of ours");
        row->bytes = malloc(row->len);
        must(row->bytes != NULL && fread(row->bytes, row->len, 1, file) == 1, "cut off");
    }
    fclose(file);
}

static e2ee_record record(struct person *who, const char *name) {
    struct row *row = find(who, name);
    return (e2ee_record){name, 0, row->revision, row->bytes, row->len};
}

/* Who a person was when the last run ended; nobody yet, without a file. */
static void load(struct person *who, const e2ee_signal_address *peer, const e2ee_state_key *key) {
    read_file(who);
    e2ee_record device = record(who, "device"), name = record(who, "session");
    check(device.sealed == NULL ? e2ee_signal_device_generate(&who->address, &who->device)
                                : e2ee_signal_device_load(key, &device, 1, &who->device));
    if (name.sealed == NULL) return;
    e2ee_record parts[] = {record(who, "head"), record(who, "objects"), record(who, "skipped")};
    check(e2ee_signal_session_load(key, who->device, peer, (const char *)name.sealed,
                                   name.sealed_len, parts, 3, &who->session));
}

/* Saves the device, and the step if there is one, together; gives the step's result. */
static uint8_t *save(struct person *who, const e2ee_state_key *key, e2ee_step *step, size_t *len) {
    e2ee_step *steps[2] = {NULL, step};
    uint8_t name[E2EE_SIGNAL_SESSION_NAME_LEN], *result = NULL;
    check(e2ee_signal_device_seal(who->device, key, &steps[0]));
    for (int each = 0; each < 2 && steps[each] != NULL; each++) {
        e2ee_record writes[E2EE_MAX_WRITES];
        size_t left;
        check(e2ee_step_writes(steps[each], writes, E2EE_MAX_WRITES, &left));
        while (left > 0) put(who, writes[--left]);
    }
    if (who->session != NULL) {
        check(e2ee_signal_session_name(who->session, name, sizeof name, len));
        put(who, (e2ee_record){"session", 0, 0, name, sizeof name});
    }
    write_file(who);
    if (step != NULL && e2ee_step_release(step, NULL, 0, len) == E2EE_BUFFER_TOO_SMALL) {
        must((result = malloc(*len + 1)) != NULL, "no memory");
        check(e2ee_step_release(step, result, *len, len));
    }
    e2ee_free(steps[0]); e2ee_free(step);
    return result;
}

static void say(struct person *from, struct person *to, e2ee_state_key *key, const char *text) {
    e2ee_step *step; uint8_t kind; size_t len;
    check(e2ee_signal_session_encrypt(from->session, (const uint8_t *)text, strlen(text), &step));
    check(e2ee_step_kind(step, &kind));
    uint8_t *message = save(from, key, step, &len); /* this travels, with its kind */
    check(to->session == NULL
              ? e2ee_signal_session_accept(key, to->device, &from->address, message, len,
                                           &to->session, &step)
              : e2ee_signal_session_decrypt(to->session, kind, message, len, &step));
    free(message);
    message = save(to, key, step, &len);
    printf("%s to %s: %.*s\n", from->address.name, to->address.name, (int)len, (char *)message);
    free(message);
}

static void leave(struct person *who) {
    e2ee_free(who->session); e2ee_free(who->device);
    for (struct row *row = who->rows; row->bytes != NULL; row++) free(row->bytes);
}

int main(int argc, char **argv) {
    uint8_t secret[32], bundle[E2EE_SIGNAL_BUNDLE_MAX_LEN]; size_t len;
    e2ee_state_key *key;
    FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
    must(file != NULL && fread(secret, sizeof secret, 1, file) == 1 && fclose(file) == 0, "no key");
    check(e2ee_state_key_new(secret, sizeof secret, &key));
    struct person alice = {.address = {"alice", 5, 1}, .path = argv[2]};
    struct person bob = {.address = {"bob", 3, 1}, .path = argv[3]};
    load(&alice, &bob.address, key);
    load(&bob, &alice.address, key);
    if (alice.session == NULL) { /* Bob's bundle comes from a server, as a rule */
        check(e2ee_signal_device_bundle(bob.device, 0, bundle, sizeof bundle, &len));
        save(&bob, key, NULL, NULL);
        check(e2ee_signal_session_initiate(key, alice.device, &bob.address, bundle, len,
                                           &alice.session));
    }
    say(&alice, &bob, key, "Meet me at noon.");
    say(&bob, &alice, key, "I shall be there.");
    leave(&alice); leave(&bob); e2ee_free(key);
}
