// SPDX-License-Identifier: MIT OR Apache-2.0
//! From one file of the system to another, by several threads at once
//! (docs/formats.md, "Sealed file").
//!
//! Each thread reads a run of segments at its place, seals or opens it and writes it at its place,
//! over two buffers of its own: memory does not depend on the size of the files.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use e2ee_files::{Contents, RUN_LEN, Run, SealPlan, Span};
use e2ee_primitives::SecretBytes;
use e2ee_wire::Error;
use pyo3::{exceptions::PyOSError, prelude::*};

use crate::{errors, given::Given, parallel::together, sealed_files::Under, transaction::OsRandom};

/// The source and the target, which exists.
type Paths = (PathBuf, PathBuf);

/// Seals a file into another one, with at most so many threads.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
pub fn seal_between(
    py: Python<'_>,
    key: Under<'_>,
    associated_data: Given,
    paths: Paths,
    workers: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let (secret, files) = (key.get(), Files::open(py, &paths)?);
    let work = || {
        let (plan, preamble) =
            SealPlan::new(secret, &associated_data, files.length, &mut OsRandom)?;
        files.write(&preamble, 0)?;
        files.copy(&plan, workers, progress.as_ref())
    };
    py.detach(work).map_err(|failure| failure.raise(py, &paths))
}

/// Opens a sealed file into another one, with at most so many threads.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments made for a call are owned")]
pub fn unseal_between(
    py: Python<'_>,
    key: Under<'_>,
    associated_data: Given,
    paths: Paths,
    workers: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let (secret, files) = (key.get(), Files::open(py, &paths)?);
    let work = || {
        let head = usize::try_from(files.length).unwrap_or(usize::MAX).min(secret.preamble_len());
        let mut preamble = vec![0; head];
        files.read(&mut preamble, 0)?;
        let contents = Contents::new(secret, &associated_data, &preamble, files.length)?;
        files.copy(&contents, workers, progress.as_ref())
    };
    py.detach(work).map_err(|failure| failure.raise(py, &paths))
}

/// Sealing or opening.
trait Direction: Sync {
    fn take(&self) -> Option<Run>;
    /// Where a run is read, and where it is written.
    fn spans(&self, run: &Run) -> (Span, Span);
    fn turn(&self, run: Run, from: &[u8], to: &mut [u8]) -> Result<(), Error>;
}

impl Direction for SealPlan {
    fn take(&self) -> Option<Run> {
        self.take()
    }

    fn spans(&self, run: &Run) -> (Span, Span) {
        (run.plain(), run.sealed())
    }

    fn turn(&self, run: Run, from: &[u8], to: &mut [u8]) -> Result<(), Error> {
        self.seal(run, from, to)
    }
}

impl Direction for Contents {
    fn take(&self) -> Option<Run> {
        self.take()
    }

    fn spans(&self, run: &Run) -> (Span, Span) {
        (run.sealed(), run.plain())
    }

    fn turn(&self, run: Run, from: &[u8], to: &mut [u8]) -> Result<(), Error> {
        self.open_into(&run, from, to)
    }
}

/// Why copying ended early.
enum Failure {
    Core(Error),
    System(io::Error, Side),
    Raised(PyErr),
}

#[derive(Clone, Copy)]
enum Side {
    Source,
    Target,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl Failure {
    fn raise(self, py: Python<'_>, (source, target): &Paths) -> PyErr {
        match self {
            Self::Core(error) => errors::protocol(py, error),
            Self::System(error, _) if is_end(&error) => errors::changed(py),
            Self::System(error, Side::Source) => system(py, error, source),
            Self::System(error, Side::Target) => system(py, error, target),
            Self::Raised(raised) => raised,
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// An `OSError` as Python itself would raise it.
fn system(py: Python<'_>, error: io::Error, path: &Path) -> PyErr {
    let Some(number) = error.raw_os_error() else { return error.into() };
    let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,)));
    match text {
        Ok(text) => PyOSError::new_err((number, text.unbind(), path.to_owned())),
        Err(raised) => raised,
    }
}

/// The two files, and how long the source was when it was opened.
struct Files {
    source: File,
    target: File,
    length: u64,
}

impl Files {
    fn open(py: Python<'_>, (source, target): &Paths) -> PyResult<Self> {
        let raise = |path| move |error| system(py, error, path);
        let file = File::open(source).map_err(raise(source))?;
        let length = file.metadata().map_err(raise(source))?.len();
        let written = OpenOptions::new().write(true).open(target).map_err(raise(target))?;
        Ok(Self { source: file, target: written, length })
    }

    fn read(&self, out: &mut [u8], start: u64) -> Result<(), Failure> {
        read_at(&self.source, out, start).map_err(|error| Failure::System(error, Side::Source))
    }

    fn write(&self, bytes: &[u8], start: u64) -> Result<(), Failure> {
        write_at(&self.target, bytes, start).map_err(|error| Failure::System(error, Side::Target))
    }

    /// Lets threads take runs until none is left, or one of them fails.
    ///
    /// The calling thread alone reports, before the first run, after each of its own, and at the
    /// end: the others may leave it none.
    fn copy(
        &self,
        direction: &impl Direction,
        workers: Option<usize>,
        progress: Option<&Py<PyAny>>,
    ) -> Result<(), Failure> {
        report(progress, 0, self.length)?;
        let (done, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        let runs = self.length.div_ceil(RUN_LEN.try_into().unwrap_or(u64::MAX)).max(1);
        let useful = usize::try_from(runs).unwrap_or(usize::MAX);
        let outcomes = together(workers, useful, |thread| {
            let outcome = self.copy_runs(direction, &stopped, |length| {
                let done = done.fetch_add(length, Ordering::Relaxed).saturating_add(length);
                if thread == 0 { report(progress, done, self.length) } else { Ok(()) }
            });
            if outcome.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
            outcome
        });
        outcomes.into_iter().collect::<Result<(), Failure>>()?;
        // Of some files, those that the system makes up for instance, the length is not true.
        if !matches!(self.read(&mut [0], self.length), Err(Failure::System(error, _)) if is_end(&error))
        {
            return Err(Failure::System(io::ErrorKind::UnexpectedEof.into(), Side::Source));
        }
        report(progress, self.length, self.length)
    }

    fn copy_runs(
        &self,
        direction: &impl Direction,
        stopped: &AtomicBool,
        told: impl Fn(u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut from, mut to) = (SecretBytes::new(Vec::new()), SecretBytes::new(Vec::new()));
        while !stopped.load(Ordering::Relaxed)
            && let Some(run) = direction.take()
        {
            let (source, target) = direction.spans(&run);
            self.read(from.prepare(source.len), source.start)?;
            direction.turn(run, from.expose(), to.prepare(target.len))?;
            self.write(to.expose(), target.start)?;
            told(source.len.try_into().unwrap_or(0))?;
        }
        Ok(())
    }
}

/// Tells how far it is; what is raised there, or by a signal, ends the work.
fn report(progress: Option<&Py<PyAny>>, done: u64, total: u64) -> Result<(), Failure> {
    Python::attach(|py| {
        py.check_signals()?;
        progress.map_or(Ok(()), |progress| progress.call1(py, (done, total)).map(|_| ()))
    })
    .map_err(Failure::Raised)
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], start: u64) -> io::Result<()> {
    let (mut rest, mut place) = (out, start);
    while !rest.is_empty() {
        let number = std::os::windows::fs::FileExt::seek_read(file, rest, place)?;
        if number == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        rest = rest.get_mut(number..).unwrap_or_default();
        place = place.saturating_add(number.try_into().unwrap_or(0));
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], start: u64) -> io::Result<()> {
    let (mut rest, mut place) = (bytes, start);
    while !rest.is_empty() {
        let number = std::os::windows::fs::FileExt::seek_write(file, rest, place)?;
        if number == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = rest.get(number..).unwrap_or_default();
        place = place.saturating_add(number.try_into().unwrap_or(0));
    }
    Ok(())
}
