package identity

import "nagar/internal/access/accessdb"

// Schema is the tables of this package. Lists are JSON; times are microseconds
// since 1970, 0 for never; secret is the SHA-256 of one.
var Schema = accessdb.Schema{Name: "identity", Steps: [][]string{{
	`create table accounts (
		id text primary key,
		name text not null unique,
		title text not null,
		roles text not null,
		department text not null,
		wards text not null,
		disabled boolean not null,
		password text not null,
		totp text not null,
		totp_on boolean not null,
		totp_last bigint not null,
		issuer text not null,
		subject text not null,
		created bigint not null,
		last_seen bigint not null)`,
	`create unique index accounts_subject on accounts (issuer, subject) where subject <> ''`,
	`create table citizens (
		id text primary key,
		contact text not null unique,
		created bigint not null,
		last_seen bigint not null)`,
	// account is of one of the two tables above, by kind.
	`create table sessions (
		id text primary key,
		secret bytea not null unique,
		kind text not null,
		account text not null,
		method text not null,
		purpose text not null,
		created bigint not null,
		seen bigint not null,
		expires bigint not null,
		address text not null,
		agent text not null)`,
	`create index sessions_account on sessions (account)`,
	`create table tokens (
		id text primary key,
		secret bytea not null unique,
		title text not null,
		roles text not null,
		department text not null,
		wards text not null,
		collections text not null,
		purpose text not null,
		maker text not null,
		created bigint not null,
		expires bigint not null,
		last_used bigint not null)`,
	`create table links (
		secret bytea primary key,
		account text not null,
		created bigint not null,
		expires bigint not null)`,
	`create table codes (
		contact bytea primary key,
		secret bytea not null,
		tries bigint not null,
		expires bigint not null)`,
	// What was tried of late, by the hash of who or where; see throttle.go.
	`create table attempts (
		subject bytea primary key,
		failures bigint not null,
		last bigint not null,
		until bigint not null)`,
	// From where an account has been signed in to.
	`create table places (
		account text not null,
		place text not null,
		last bigint not null,
		primary key (account, place))`,
}}}
