// Package identity knows who somebody is: accounts of staff with a password and a
// second factor, sessions, API tokens, one-time sign-in links, and citizens known by
// a code sent to their phone or e-mail. It lives in the access database, which
// several processes share; what one of them ends (a session, a token, an account) is
// ended in the others within 100 ms, and in itself at once.
//
// Secrets (of sessions, tokens, links and codes) are 256 random bits, or checked few
// times, and kept as hashes only; passwords as argon2id. None is ever in an error or
// a log.
//
// What identifies a request, Session and Token, answers from memory: it costs about
// half a microsecond and no SQL.
package identity
