import CLinuxShims
import Glibc

/// The one piece of memory a table lives in: mapped once at start, given back when the owner goes.
///
/// Whoever initialises all its elements at start has touched every page he will use: from then on the memory is resident
/// and stays as large as it is.
///
/// The region is aligned to and rounded up to 2 MiB and the kernel is asked for huge pages: a table of 400,009 + 400,009
/// places is visited at random, and with 4 KiB pages each visit costs a page-table walk on top of the cache miss.
@safe
struct MappedRegion: ~Copyable, @unchecked Sendable {
    /// Size and alignment of an x86-64 huge page.
    static let hugePage = 2 << 20

    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private let base: UnsafeMutableRawPointer
    /// Usable bytes, a multiple of the huge page.
    let byteCount: Int

    /// Maps at least `bytes` zeroed bytes.
    init(bytes: Int) throws(TrackingError) {
        let rounded = max(1, (bytes + Self.hugePage - 1) / Self.hugePage) * Self.hugePage
        // One huge page more than needed, so that an aligned start can be chosen.
        let total = rounded + Self.hugePage
        guard let raw = unsafe ab_map(total) else { throw .memory(bytes: total, errno: errno) }
        let address = UInt(bitPattern: raw)
        let aligned = (address + UInt(Self.hugePage) - 1) & ~(UInt(Self.hugePage) - 1)
        unsafe mapping = raw
        mappedBytes = total
        unsafe base = raw + Int(aligned - address)
        byteCount = rounded
        // Advice only: without huge pages the table is slower, not wrong.
        _ = unsafe madvise(base, rounded, MADV_HUGEPAGE)
    }

    /// The `count` elements that `plan` put at `place`. The caller initialises them.
    func slab<Element: ~Copyable>(_ place: RegionPlan.Place<Element>) -> Slab<Element> {
        precondition(place.offset + place.count * MemoryLayout<Element>.stride <= byteCount)
        // SAFETY: the place lies inside the mapping (checked above), which is at least as aligned as any element.
        return unsafe Slab(
            base: (base + place.offset).bindMemory(to: Element.self, capacity: place.count), count: place.count)
    }

    /// How many of the first `bytes` bytes the kernel holds in memory, in whole pages. For tests.
    func residentBytes(of bytes: Int) -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        var pages = [UInt8](repeating: 0, count: (min(bytes, byteCount) + page - 1) / page)
        // SAFETY: the range lies inside the mapping, and the vector has a byte for each page of it.
        let failed = unsafe pages.withUnsafeMutableBufferPointer { vector in
            unsafe mincore(base, vector.count * page, vector.baseAddress)
        }
        return failed == 0 ? pages.count { $0 & 1 == 1 } * page : 0
    }

    deinit {
        // SAFETY: the slabs are private to the owner of the region and go with it; elements hold no references.
        unsafe ab_unmap(mapping, mappedBytes)
    }
}

/// Adds up what goes into a region before it is mapped: the sizing arithmetic in one place.
struct RegionPlan {
    /// Where `count` elements will lie.
    struct Place<Element: ~Copyable> {
        let offset: Int
        let count: Int
    }

    /// Parts begin on lines of 128 bytes: two neighbouring lines are fetched together by the processors we know.
    static let alignment = 128

    private(set) var byteCount = 0

    mutating func reserve<Element: ~Copyable>(_ type: Element.Type, count: Int) -> Place<Element> {
        let offset = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        byteCount = offset + count * MemoryLayout<Element>.stride
        return Place(offset: offset, count: count)
    }
}
