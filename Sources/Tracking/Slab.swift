/// A fixed array in a `MappedRegion`: elements are used where they lie and never copied.
///
/// Who may touch an element is the owner's rule (a bucket lock, a worker's own cell); the slab checks the bounds.
///
/// To read, use the subscript; to write, take a `cell` first. (Both are the same to the processor; but the thread
/// sanitizer takes a write through the subscript for a write to the slab's owner, and reports races that are none.)
@safe
struct Slab<Element: ~Copyable>: @unchecked Sendable {
    private let base: UnsafeMutablePointer<Element>
    let count: Int

    @unsafe
    init(base: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// Gives element `index` its first value. Elements are trivial or hold atomics: none needs to be destroyed.
    func initialize(_ index: Int, to value: consuming Element) {
        precondition(index >= 0 && index < count)
        // SAFETY: in bounds; the memory is fresh from the region.
        unsafe (base + index).initialize(to: value)
    }

    @inline(__always)
    subscript(index: UInt32) -> Element {
        @_transparent
        unsafeAddress {
            precondition(Int(index) < count)
            // SAFETY: in bounds, initialised by the owner at set-up.
            return unsafe UnsafePointer(base + Int(index))
        }
    }

    /// Element `index`, to be used several times with its bounds checked once.
    @inline(__always)
    func cell(_ index: UInt32) -> Cell<Element> {
        precondition(Int(index) < count)
        // SAFETY: in bounds, initialised by the owner at set-up.
        return unsafe Cell(pointer: base + Int(index))
    }

    /// The address for a prefetch; no bounds are needed, a prefetch never faults.
    @inline(__always)
    @unsafe
    func address(_ index: UInt32) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(base + Int(index))
    }
}

/// One element of a slab, where it lies.
@safe
struct Cell<Element: ~Copyable> {
    private let pointer: UnsafeMutablePointer<Element>

    @unsafe
    @inline(__always)
    init(pointer: UnsafeMutablePointer<Element>) { unsafe self.pointer = unsafe pointer }

    /// The element.
    var its: Element {
        @_transparent
        unsafeAddress {
            // SAFETY: `Slab.cell` has checked it; slabs live as long as the owner whose code this is.
            unsafe UnsafePointer(pointer)
        }
        @_transparent
        nonmutating unsafeMutableAddress {
            // SAFETY: as above; exclusive access is the owner's rule.
            unsafe pointer
        }
    }
}
