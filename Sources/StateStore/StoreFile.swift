import Glibc
import JSONText

/// What a store's file holds.
struct StoreContent: Equatable {
    var revision: UInt64
    var values: [StoredValue]
}

/// The file of an embedded store: JSON, so that it can be looked at; values in hexadecimal.
struct StoreFile: Sendable {
    let path: String

    private static var version: Int { 1 }
    private static var longest: Int { 1 << 30 }

    /// What the file holds; nil if there is none.
    func read() throws(StoreError) -> StoreContent? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .file("\(path): \(reason(errno))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw .file("\(path): \(reason(errno))") }
            if count == 0 { break }
            bytes += chunk[..<count]
            if bytes.count > Self.longest { throw .file("\(path): longer than a store's file can be") }
        }
        return try parse(bytes)
    }

    private func parse(_ bytes: [UInt8]) throws(StoreError) -> StoreContent {
        let limits = JSONParser.Limits(bytes: Self.longest, depth: 8, diagnostics: 1)
        guard let json = try? JSONValue(parsing: bytes, limits: limits), json["version"]?.int == Self.version,
            let revision = json["revision"]?.integer(as: UInt64.self), let entries = json["entries"]?.array
        else { throw .file("\(path): not the file of a store; remove it to begin with an empty one") }
        var values: [StoredValue] = []
        for entry in entries {
            guard let key = entry["key"]?.string, let value = entry["value"]?.string.flatMap(Hexadecimal.bytes),
                let own = entry["revision"]?.integer(as: UInt64.self), own <= revision
            else { throw .file("\(path): an entry is damaged; remove the file to begin with an empty one") }
            values.append(StoredValue(key: key, value: value, revision: own))
        }
        return StoreContent(revision: revision, values: values)
    }

    /// Writes the file anew and lets it take the old one's place.
    func write(_ content: StoreContent) throws(StoreError) {
        var object: JSONObject = ["version": JSONValue(Self.version), "revision": JSONValue(content.revision)]
        object["entries"] = JSONValue(
            content.values.map { value -> JSONValue in
                [
                    "key": JSONValue(value.key), "revision": JSONValue(value.revision),
                    "value": JSONValue(Hexadecimal.text(value.value)),
                ]
            })
        var writer = JSONWriter(.pretty)
        writer.write(JSONValue(object))
        writer.newline()
        let beside = path + ".new"
        let descriptor = unsafe open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file("\(beside): \(reason(errno))") }
        var failure = writeAll(descriptor, writer.bytes)
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        if close(descriptor) != 0, failure == 0 { failure = errno }
        if failure == 0, unsafe rename(beside, path) != 0 { failure = errno }
        if failure != 0 {
            unsafe unlink(beside)
            throw .file("\(path): \(reason(failure))")
        }
    }

    private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return errno }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    private func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

/// Bytes as text, two digits each.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
