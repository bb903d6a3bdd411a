// SPDX-License-Identifier: MIT OR Apache-2.0
//! The border: what C gives, as types that cannot be wrong (docs/architecture.md, "The C ABI").
//!
//! A parameter of a C function is one of these types. What a caller must see to itself stands in the
//! header, under "Pointers": that a pointer which is not null leads to memory of the type and length
//! that is said, and that a handle was not freed. Everything else is checked here: null, alignment,
//! lengths, the kind of a handle.

use std::{
    ffi::{CStr, c_char, c_void},
    marker::PhantomData,
    mem::size_of,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
};

use crate::status::Status;

/// Does the work of a C function; a panic ends here, and leaves the locks that were held poisoned.
pub fn entry(work: impl FnOnce() -> Result<(), Status>) -> Status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(status)) => status,
        Err(panic) => {
            // What it holds could panic in its turn when it is dropped.
            std::mem::forget(panic);
            Status::Poisoned
        }
    }
}

/// What a handle can lead to.
pub trait Kind: Send + Sync {
    /// Stands at the beginning of the memory, and nowhere else.
    const TAG: u64;
}

/// The tag of memory that was freed, as long as nobody else uses it.
const FREED: u64 = 0;

#[repr(C)]
struct Tagged<T> {
    tag: u64,
    inner: Arc<T>,
}

/// A pointer that should be a handle of this kind.
#[repr(transparent)]
pub struct Handle<'a, T>(*const c_void, PhantomData<&'a T>);

impl<'a, T: Kind> Handle<'a, T> {
    /// What it leads to.
    pub fn get(&self) -> Result<&'a Arc<T>, Status> {
        if tag_of(self.0)? != T::TAG {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: memory that begins with this tag was made by `HandleOut::put` for a `Tagged<T>`,
        // and lives until the caller frees it, which it must not do during this call.
        Ok(unsafe { &(*self.0.cast::<Tagged<T>>()).inner })
    }
}

/// Reads what all handles begin with.
fn tag_of(handle: *const c_void) -> Result<u64, Status> {
    let tag = handle.cast::<u64>();
    if tag.is_null() || !tag.is_aligned() {
        return Err(Status::InvalidArgument);
    }
    // SAFETY: the caller gives a handle of whatever kind; each begins with its tag.
    Ok(unsafe { tag.read() })
}

/// A pointer that should be a handle of any kind, or null.
#[repr(transparent)]
pub struct AnyHandle(*mut c_void);

impl AnyHandle {
    /// Frees it if it is of one of these kinds.
    pub fn free(&self, kinds: &[Freed]) -> Result<(), Status> {
        if self.0.is_null() {
            return Ok(());
        }
        let tag = tag_of(self.0)?;
        let kind = kinds.iter().find(|kind| kind.tag == tag);
        (kind.ok_or(Status::InvalidArgument)?.free)(self);
        Ok(())
    }
}

/// How handles of one kind are freed.
pub struct Freed {
    tag: u64,
    free: fn(&AnyHandle),
}

impl Freed {
    /// Those of `T`.
    pub const fn of<T: Kind>() -> Self {
        Self { tag: T::TAG, free: free::<T> }
    }
}

fn free<T: Kind>(handle: &AnyHandle) {
    let tagged = handle.0.cast::<Tagged<T>>();
    // SAFETY: `AnyHandle::free` has read the tag of `T`, so this is a box from `HandleOut::put`; the
    // caller gives it up with this call. The tag goes first, so that a handle that is freed twice is
    // most likely seen: that write must not be left out.
    let owned = unsafe {
        ptr::write_volatile(&raw mut (*tagged).tag, FREED);
        Box::from_raw(tagged)
    };
    drop(owned);
}

/// Where a new handle goes.
#[repr(transparent)]
pub struct HandleOut<'a, T>(*mut *mut c_void, PhantomData<&'a T>);

impl<'a, T: Kind> HandleOut<'a, T> {
    /// The place; checked before any work is done.
    pub fn place(&self) -> Result<HandlePlace<'a, T>, Status> {
        Ok(HandlePlace(place(self.0)?, PhantomData))
    }
}

/// A place for a new handle.
pub struct HandlePlace<'a, T>(*mut *mut c_void, PhantomData<&'a T>);

impl<T: Kind> HandlePlace<'_, T> {
    /// Makes the handle.
    pub fn put(self, inner: T) {
        self.put_shared(Arc::new(inner));
    }

    /// Makes a handle of what others know too.
    pub fn put_shared(self, inner: Arc<T>) {
        let made = Box::into_raw(Box::new(Tagged { tag: T::TAG, inner }));
        // SAFETY: `place` has checked it, and the caller promises room for a pointer.
        unsafe { self.0.write(made.cast()) };
    }
}

fn place<T>(pointer: *mut T) -> Result<*mut T, Status> {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(Status::InvalidArgument);
    }
    Ok(pointer)
}

/// Where a value goes.
#[repr(transparent)]
pub struct Out<'a, T>(*mut T, PhantomData<&'a T>);

impl<'a, T: Copy> Out<'a, T> {
    /// The place; checked before any work is done.
    pub fn place(&self) -> Result<Place<'a, T>, Status> {
        Ok(Place(place(self.0)?, PhantomData))
    }
}

/// A place for a value.
pub struct Place<'a, T>(*mut T, PhantomData<&'a T>);

impl<T: Copy> Place<'_, T> {
    /// Puts it there.
    pub fn set(&self, value: T) {
        // SAFETY: `place` has checked it, and the caller promises room for a `T`.
        unsafe { self.0.write(value) };
    }
}

/// The beginning of what a caller gives to read.
#[repr(transparent)]
pub struct In<'a, T>(*const T, PhantomData<&'a T>);

impl<T> Clone for In<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<'_, T> {}

impl<'a, T> In<'a, T> {
    /// The beginning of these elements.
    pub const fn new(elements: &'a [T]) -> Self {
        Self(elements.as_ptr(), PhantomData)
    }

    /// So many elements; null is right for none.
    pub fn slice(self, len: usize) -> Result<&'a [T], Status> {
        if len == 0 {
            return Ok(&[]);
        }
        checked_len::<T>(len)?;
        if self.0.is_null() || !self.0.is_aligned() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: not null, aligned and not longer than memory can be; the caller promises that so
        // many elements are there and that nobody writes to them during this call.
        Ok(unsafe { std::slice::from_raw_parts(self.0, len) })
    }

    /// One element.
    pub fn one(self) -> Result<&'a T, Status> {
        self.slice(1)?.first().ok_or(Status::InvalidArgument)
    }
}

impl<'a> In<'a, u8> {
    /// So many bytes of text.
    pub fn text(self, len: usize) -> Result<&'a str, Status> {
        std::str::from_utf8(self.slice(len)?).map_err(|_| Status::InvalidArgument)
    }

    /// Text, or nothing if it is null.
    pub fn optional_text(self, len: usize) -> Result<Option<&'a str>, Status> {
        if self.0.is_null() && len == 0 { Ok(None) } else { self.text(len).map(Some) }
    }

    /// Bytes, or nothing if it is null.
    pub fn optional(self, len: usize) -> Result<Option<&'a [u8]>, Status> {
        if self.0.is_null() && len == 0 { Ok(None) } else { self.slice(len).map(Some) }
    }
}

/// A text that ends with a zero.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Name<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> Name<'a> {
    /// A text that lives as long.
    pub const fn new(text: &'a CStr) -> Self {
        Self(text.as_ptr(), PhantomData)
    }

    /// The text.
    pub fn get(self) -> Result<&'a CStr, Status> {
        if self.0.is_null() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: not null; the caller promises a zero at its end.
        Ok(unsafe { CStr::from_ptr(self.0) })
    }
}

/// Lengths that no memory has are refused.
fn checked_len<T>(len: usize) -> Result<(), Status> {
    let bytes = len.checked_mul(size_of::<T>()).ok_or(Status::InvalidArgument)?;
    isize::try_from(bytes).map(|_| ()).map_err(|_| Status::InvalidArgument)
}

/// A caller's buffer, and where the length goes.
pub struct Output<'a, T> {
    start: *mut T,
    capacity: usize,
    length: Place<'a, usize>,
}

impl<'a, T: Copy> Output<'a, T> {
    /// Checked before any work is done; a null buffer asks for the length.
    pub fn new(
        start: &Out<'a, T>,
        capacity: usize,
        length: &Out<'a, usize>,
    ) -> Result<Self, Status> {
        checked_len::<T>(capacity)?;
        if !start.0.is_aligned() {
            return Err(Status::InvalidArgument);
        }
        Ok(Self { start: start.0, capacity, length: length.place()? })
    }

    /// Refuses, and says the length, unless so many elements have room.
    pub fn fits(&self, len: usize) -> Result<(), Status> {
        if self.start.is_null() || len > self.capacity {
            self.length.set(len);
            return Err(Status::BufferTooSmall);
        }
        Ok(())
    }

    /// Gives the elements, or refuses as [`Self::fits`] does.
    pub fn give(&self, elements: &[T]) -> Result<(), Status> {
        self.fits(elements.len())?;
        // SAFETY: `fits` says that the buffer is there and has this room, which the caller promises;
        // what the core has made is not part of it.
        unsafe { ptr::copy_nonoverlapping(elements.as_ptr(), self.start, elements.len()) };
        self.length.set(elements.len());
        Ok(())
    }
}
