import COpenSSL

/// `tls: on`: this process's certificate, and whose certificates it takes.
///
/// TLS 1.2 at least, 1.3 where both can. Both sides show a certificate of the authority, and the certificate must be
/// for the name that the peer proves in the handshake of links: a node's key does not let it pass for another node.
@safe
public final class TLSContext: @unchecked Sendable {
    // SAFETY: made once in `init`, never changed afterwards; OpenSSL counts references to it atomically.
    let context: OpaquePointer

    /// Whether the peer's certificate must be for the peer's name (as a DNS name, RFC 9525).
    public let checksNames: Bool

    /// Reads certificates and key, in PEM.
    ///
    /// - Parameters:
    ///   - certificate: file with this process's certificate, and those between it and the authority.
    ///   - key: file with its private key.
    ///   - authorities: file with the certificates that peers' certificates must lead to.
    /// - Throws: `LinkSetupError` with the file and OpenSSL's reason.
    public init(
        certificate: String, key: String, authorities: String, checksNames: Bool = true
    ) throws(LinkSetupError) {
        ERR_clear_error()
        guard let context = unsafe SSL_CTX_new(TLS_method()) else { throw Self.fault("TLS") }
        unsafe self.context = context
        self.checksNames = checksNames
        // The macros of the header, which Swift does not import.
        unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        unsafe SSL_CTX_ctrl(
            context, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
        // A link is made once and kept: nothing is gained by taking up an old session, and each one shows its
        // certificate.
        unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        unsafe SSL_CTX_set_options(context, UInt64(noRenegotiation | noTicket))
        unsafe SSL_CTX_set_num_tickets(context, 0)
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        guard unsafe SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw Self.fault("certificate \(certificate)")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
            unsafe SSL_CTX_check_private_key(context) == 1
        else { throw Self.fault("private key \(key) of \(certificate)") }
        guard unsafe SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
            throw Self.fault("authorities \(authorities)")
        }
    }

    deinit { unsafe SSL_CTX_free(context) }

    private static func fault(_ what: String) -> LinkSetupError {
        LinkSetupError("\(what): \(opensslReason())")
    }
}

/// `SSL_OP_BIT(30)` and `SSL_OP_BIT(14)`, which Swift does not import.
private let noRenegotiation: UInt64 = 1 << 30
private let noTicket: UInt64 = 1 << 14

/// The first error that OpenSSL noted in this thread, in its words; the others are forgotten.
func opensslReason() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return "no reason given" }
    var text = [CChar](repeating: 0, count: 256)
    unsafe ERR_error_string_n(code, &text, text.count)
    return unsafe text.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
}
