// SPDX-License-Identifier: MIT OR Apache-2.0

// Talk speaks Signal's protocol with whoever is at its other end: it reads a bundle in hexadecimal
// digits, writes a message that starts a session, reads the answer, and writes what that says. So on
// with each further bundle. Messages are a kind and hexadecimal digits.
package main

/*
#cgo pkg-config: e2ee
#include <stdlib.h>
#include "e2ee.h"
*/
import "C"

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// rows is what one device has saved. A real program keeps them in a database, where all writes of a
// step are one transaction.
type rows map[string]row

type row struct {
	revision uint64
	sealed   []byte
}

func check(status C.e2ee_status) error {
	if status == C.E2EE_OK {
		return nil
	}
	return errors.New(C.GoString(C.e2ee_status_name(status)))
}

// start is where the bytes of a slice begin; C takes null for none.
func start(bytes []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.SliceData(bytes))
}

// save does what must be durable before the result of a step may be used, and gives that.
func (saved rows) save(step *C.e2ee_step) ([]byte, error) {
	defer C.e2ee_free(unsafe.Pointer(step))
	var writes [C.E2EE_MAX_WRITES]C.e2ee_record
	var count, length C.size_t
	if err := check(C.e2ee_step_writes(step, &writes[0], C.E2EE_MAX_WRITES, &count)); err != nil {
		return nil, err
	}
	for _, write := range writes[:count] {
		name := C.GoString(write.name)
		if saved[name].revision != uint64(write.base_revision) {
			return nil, errors.New("another process wrote")
		}
		sealed := C.GoBytes(unsafe.Pointer(write.sealed), C.int(write.sealed_len))
		saved[name] = row{uint64(write.revision), sealed}
	}
	// A null buffer asks for the length.
	if status := C.e2ee_step_release(step, nil, 0, &length); status != C.E2EE_BUFFER_TOO_SMALL {
		return nil, check(status)
	}
	result := make([]byte, length+1)
	status := C.e2ee_step_release(step, start(result), length, &length)
	return result[:length], check(status)
}

// talk has one conversation.
func talk(key *C.e2ee_state_key, device *C.e2ee_signal_device, bundle []byte, lines *bufio.Scanner) error {
	name := C.CString("python")
	defer C.free(unsafe.Pointer(name))
	peer := C.e2ee_signal_address{name: name, name_len: 6, device: 1}
	var session *C.e2ee_signal_session
	var step *C.e2ee_step
	var kind C.uint8_t
	saved := rows{}
	if err := check(C.e2ee_signal_session_initiate(key, device, &peer, start(bundle), C.size_t(len(bundle)), &session)); err != nil {
		return err
	}
	defer C.e2ee_free(unsafe.Pointer(session))
	text := []byte("Hello from Go.")
	if err := check(C.e2ee_signal_session_encrypt(session, start(text), C.size_t(len(text)), &step)); err != nil {
		return err
	}
	C.e2ee_step_kind(step, &kind)
	message, err := saved.save(step)
	if err != nil {
		return err
	}
	fmt.Printf("%d %s\n", kind, hex.EncodeToString(message))
	if !lines.Scan() {
		return errors.New("no answer")
	}
	first, digits, _ := strings.Cut(lines.Text(), " ")
	answer, err := hex.DecodeString(digits)
	if err != nil {
		return err
	}
	kind = C.uint8_t(first[0] - '0')
	if err := check(C.e2ee_signal_session_decrypt(session, kind, start(answer), C.size_t(len(answer)), &step)); err != nil {
		return err
	}
	opened, err := saved.save(step)
	fmt.Printf("%s\n", opened)
	return err
}

func run() error {
	if C.e2ee_abi_version() != C.E2EE_ABI_VERSION {
		return errors.New("the library is another one than that of the header")
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	var key *C.e2ee_state_key
	var device *C.e2ee_signal_device
	name := C.CString("go")
	defer C.free(unsafe.Pointer(name))
	address := C.e2ee_signal_address{name: name, name_len: 2, device: 1}
	if err := check(C.e2ee_state_key_new(start(secret), 32, &key)); err != nil {
		return err
	}
	defer C.e2ee_free(unsafe.Pointer(key))
	if err := check(C.e2ee_signal_device_generate(&address, &device)); err != nil {
		return err
	}
	defer C.e2ee_free(unsafe.Pointer(device))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		bundle, err := hex.DecodeString(lines.Text())
		if err == nil {
			err = talk(key, device, bundle, lines)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "talk:", err)
		os.Exit(1)
	}
}
