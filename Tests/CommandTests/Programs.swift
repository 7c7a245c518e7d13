import Glibc
import Testing

/// A file that goes with the value.
final class Scratch {
    let path: String

    init(_ text: String, suffix: String = ".json") throws {
        path = "/tmp/ab-test-\(UInt32.random(in: 0...(.max)))\(suffix)"
        try rewrite(text)
    }

    deinit { unsafe unlink(path) }

    func rewrite(_ text: String) throws {
        let descriptor = unsafe creat(path, 0o600)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
    }

    var text: String { contents(path) }
}

/// The path of a program of this package: they lie beside the test bundle.
func built(_ program: String) -> String { "\(buildDirectory)/\(program)" }

/// Runs a built program, or one of the system's, to its end.
func run(_ program: String, _ arguments: [String]) -> (status: Int32, output: String, errors: String) {
    let base = "/tmp/ab-test-\(UInt32.random(in: 0...(.max)))"
    defer {
        unsafe unlink(base + ".out")
        unsafe unlink(base + ".err")
    }
    let path = ["anabranch", "anabranchd"].contains(program) ? built(program) : program
    let quoted = ([path] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let status = unsafe system("\(quoted) > \(base).out 2> \(base).err < /dev/null")
    return (status >> 8 & 0xFF, contents(base + ".out"), contents(base + ".err"))
}

private func contents(_ path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY)
    defer { close(descriptor) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: all, as: UTF8.self) }
        all += chunk[..<count]
    }
}

private let buildDirectory: String = {
    var link = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &link, link.count - 1)
    let path = String(decoding: link.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
}()
