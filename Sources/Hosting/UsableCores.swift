import Glibc

/// The CPUs this process may run on, ascending.
public func usableCores() -> [Int] {
    // "Cpus_allowed_list:\t0-3,8" in /proc/self/status; the CPU_SET macros are not imported.
    guard let status = readSmallFile("/proc/self/status"),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
    else { return Array(0..<max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
    let list = line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " }).last ?? ""
    return list.split(separator: ",").flatMap { part -> [Int] in
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, first <= last else { return [] }
        return Array(first...last)
    }
}
