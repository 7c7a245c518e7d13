import Glibc

/// What this process takes from the machine.
package struct ProcessUsage {
    /// Bytes of memory that are resident.
    package var residentBytes: UInt64 = 0
    /// Bytes of address space.
    package var virtualBytes: UInt64 = 0
    /// Seconds of CPU time, user and system.
    package var cpuSeconds: Double = 0
    /// Threads.
    package var threads = 0

    /// Reads /proc/self/stat (proc(5)); what cannot be read is 0.
    package static var now: ProcessUsage {
        var usage = ProcessUsage()
        guard let text = readSmallFile("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return usage }
        // Behind the name in brackets, which may hold anything: state is field 3.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 21 else { return usage }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        usage.cpuSeconds = ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / ticks
        usage.threads = Int(fields[17]) ?? 0
        usage.virtualBytes = UInt64(fields[20]) ?? 0
        usage.residentBytes = (UInt64(fields[21]) ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        return usage
    }
}

/// The text of a small file such as those of /proc; nil when it cannot be read.
package func readSmallFile(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}
