// OpenSSL 3 (Debian: libssl-dev): digests, HMAC and TLS, as they are.
#ifndef ANABRANCH_COPENSSL_H
#define ANABRANCH_COPENSSL_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#endif
