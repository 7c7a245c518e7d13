import COpenSSL

/// TLS of one connection, between two memory buffers: what came from the socket goes in, what goes to the socket comes
/// out. So the socket is read and written in one place, with or without TLS.
@safe
final class TLSSession {
    /// TLS cannot go on, and why.
    struct Failure: Error { let reason: String }

    // SAFETY: made in `init`, freed in `deinit`, used by the loop's thread alone; `session` owns both buffers.
    private let session: OpaquePointer
    private let input: OpaquePointer
    private let out: OpaquePointer
    private let context: TLSContext

    /// A session that has not begun.
    init(_ context: TLSContext, accepting: Bool) throws(Failure) {
        ERR_clear_error()
        guard let session = unsafe SSL_new(context.context) else { throw Failure(reason: opensslReason()) }
        guard let input = unsafe BIO_new(BIO_s_mem()), let out = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(session)
            throw Failure(reason: opensslReason())
        }
        unsafe SSL_set_bio(session, input, out)
        if accepting { unsafe SSL_set_accept_state(session) } else { unsafe SSL_set_connect_state(session) }
        self.context = context
        unsafe self.session = session
        unsafe self.input = input
        unsafe self.out = out
    }

    deinit { unsafe SSL_free(session) }

    /// Takes what came from the socket.
    func take(_ bytes: UnsafeRawBufferPointer) {
        unsafe _ = BIO_write(input, bytes.baseAddress, Int32(bytes.count))
    }

    /// Goes on with TLS's own handshake.
    ///
    /// - Returns: whether it is done.
    func advance() throws(Failure) -> Bool {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(session)
        if result == 1 { return true }
        try judge(result)
        return false
    }

    /// Reads decrypted bytes.
    ///
    /// - Returns: how many; 0 when more must come from the socket, nil when the peer has ended in good order.
    func read(into buffer: inout [UInt8]) throws(Failure) -> Int? {
        ERR_clear_error()
        let count = unsafe SSL_read(session, &buffer, Int32(buffer.count))
        if count > 0 { return Int(count) }
        if unsafe SSL_get_error(session, count) == SSL_ERROR_ZERO_RETURN { return nil }
        try judge(count)
        return 0
    }

    /// Encrypts bytes.
    ///
    /// - Returns: how many were taken.
    func write(_ bytes: UnsafeRawBufferPointer) -> Result<Int, Failure> {
        ERR_clear_error()
        let count = unsafe SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count))
        if count > 0 { return .success(Int(count)) }
        return Result { () throws(Failure) in
            try judge(count)
            return 0
        }
    }

    /// Says that nothing more will be sent.
    func leave() { _ = unsafe SSL_shutdown(session) }

    /// Moves what is to go to the socket into the queue.
    func drain(into queue: inout ByteQueue) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe BIO_read(out, &buffer, Int32(buffer.count))
            guard count > 0 else { return }
            unsafe buffer.withUnsafeBytes { unsafe queue.append(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
        }
    }

    /// What ties this channel to what is proved inside it: keying material as RFC 9266 and RFC 5705 have it, which
    /// nobody in between can make equal on two channels.
    var binding: [UInt8] {
        var material = [UInt8](repeating: 0, count: 32)
        let label = "EXPORTER-Channel-Binding"
        let result = unsafe SSL_export_keying_material(
            session, &material, material.count, label, label.utf8.count, nil, 0, 1)
        precondition(result == 1, "TLS without keying material after its handshake")
        return material
    }

    /// Whether the peer's certificate is for that name, or no name is asked for.
    func isCertified(for name: String) -> Bool {
        guard context.checksNames else { return true }
        guard let certificate = unsafe SSL_get1_peer_certificate(session) else { return false }
        defer { unsafe X509_free(certificate) }
        return unsafe X509_check_host(certificate, name, name.utf8.count, 0, nil) == 1
    }

    private func judge(_ result: Int32) throws(Failure) {
        switch unsafe SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
        default:
            // The verification's own words say more than "certificate verify failed".
            let verification = unsafe SSL_get_verify_result(session)
            if verification != X509_V_OK, let words = unsafe X509_verify_cert_error_string(verification) {
                _ = opensslReason()
                throw unsafe Failure(reason: "certificate: \(String(cString: words))")
            }
            throw Failure(reason: opensslReason())
        }
    }
}
