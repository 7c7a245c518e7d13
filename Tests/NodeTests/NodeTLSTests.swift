import Configuration
import Foundation
import Testing

@testable import Node

/// Certificates of an authority of the test's own, made by the openssl command.
private final class TestCertificates {
    let directory = NSTemporaryDirectory() + "ab-\(UUID().uuidString.prefix(8))"

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=authority",
            "-days", "2", "-keyout", "\(directory)/ca.key", "-out", "\(directory)/ca.pem")
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// The `tls` block of a node with a certificate for that name.
    func block(_ name: String) throws -> String {
        let base = "\(directory)/\(name)"
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
            "-addext", "subjectAltName=DNS:\(name)", "-keyout", "\(base).key", "-out", "\(base).csr")
        try openssl(
            "x509", "-req", "-in", "\(base).csr", "-CA", "\(directory)/ca.pem", "-CAkey", "\(directory)/ca.key",
            "-CAcreateserial", "-copy_extensions", "copy", "-days", "2", "-out", "\(base).pem")
        return "{certificate: \"\(base).pem\", private_key: \"\(base).key\", authority: \"\(directory)/ca.pem\"}"
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}

@Suite(.serialized) struct NodeTLSTests {
    private let key: KeyFile

    init() throws { key = try KeyFile() }

    private func configuration(_ name: String, tls: String?) throws -> NodeConfiguration {
        var configuration = try NodeConfiguration.parse(
            text: """
                {
                    name: "\(name)", request_types: {default: {processor: "identity"}}, metrics: {enabled: false},
                    links: {address: "127.0.0.1", key_file: "\(key.path)"\(tls.map { ", tls: \($0)" } ?? "")},
                }
                """, file: "test")
        configuration.links.port = 0
        return configuration
    }

    @Test func withTLSOnlyThoseWithACertificateGetALink() async throws {
        let certificates = try TestCertificates()
        let node = try NodeService(try configuration("n1", tls: try certificates.block("n1")), cores: 1)
        defer { node.stop() }
        func other(_ name: String, tls: String?) throws -> NodeService {
            var configuration = try configuration(name, tls: tls)
            configuration.nodes = [NodePeerConfiguration(name: "n1", address: node.address)]
            return try NodeService(configuration, cores: 1)
        }
        let up = "anabranch_node_link_up{peer=\"n1\",side=\"connecting\"}"
        let good = try other("n2", tls: try certificates.block("n2"))
        defer { good.stop() }
        #expect(await eventually { sample(good.metrics, up) == 1 })
        let plain = try other("n3", tls: nil)
        defer { plain.stop() }
        let refused = "anabranch_node_link_refusals_total{reason=\"TLS\"}"
        #expect(await eventually { (sample(node.metrics, refused) ?? 0) > 0 })
        #expect(sample(plain.metrics, up) == 0)
    }

    @Test func certificatesThatCannotBeReadAreSaid() throws {
        let tls = "{certificate: \"/nonexistent.pem\", private_key: \"/nonexistent.key\", authority: \"/nonexistent\"}"
        let error = #expect(throws: NodeError.self) { try NodeService(try configuration("n1", tls: tls), cores: 1) }
        #expect(error?.description.hasPrefix("links.tls: certificate /nonexistent.pem") == true)
    }
}
