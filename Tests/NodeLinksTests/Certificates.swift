import Foundation
import NodeLinks
import Testing

/// Authorities and certificates made with the openssl command, in a directory that goes with the value.
final class Certificates {
    private let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "ab-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        for authority in ["ours", "theirs"] {
            try openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=\(authority)", "-keyout", path("\(authority).key"), "-out", path("\(authority).pem"))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func path(_ name: String) -> String { directory + "/" + name }

    /// The settings of a peer with a certificate for that name.
    func context(_ name: String, by authority: String = "ours", trusting: String = "ours") throws -> TLSContext {
        let base = "\(name)-\(authority)"
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
            "-addext", "subjectAltName=DNS:\(name)", "-keyout", path("\(base).key"), "-out", path("\(base).csr"))
        try openssl(
            "x509", "-req", "-in", path("\(base).csr"), "-CA", path("\(authority).pem"), "-CAkey",
            path("\(authority).key"), "-CAcreateserial", "-copy_extensions", "copy", "-days", "2", "-out",
            path("\(base).pem"))
        return try TLSContext(
            certificate: path("\(base).pem"), key: path("\(base).key"), authorities: path("\(trusting).pem"))
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
    }
}
