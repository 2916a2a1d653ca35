package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Head names the latest entry of a log: where the log ends, and by the hash all
// that came before. Printed and kept elsewhere, it proves later that nothing up to
// it was changed or cut off.
type Head struct {
	Seq  int64 `json:"seq"` // 0: the log is empty
	Hash Hash  `json:"hash"`
}

// String is SEQ:HASH.
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + h.Hash.String() }

// ParseHead reads what String wrote.
func ParseHead(s string) (Head, error) {
	seq, sum, _ := strings.Cut(strings.TrimSpace(s), ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	b, errHash := hex.DecodeString(sum)
	h := Head{Seq: n}
	if err != nil || errHash != nil || copy(h.Hash[:], b) != len(h.Hash) || len(b) != len(h.Hash) {
		return Head{}, fmt.Errorf("%.100q is no head of an audit log: want SEQ:HASH", s)
	}
	return h, nil
}

// headFile is where a server keeps the head it knows, beside the store and outside
// the database. It may lag by the entries of the last moment, never lead.
const headFile = "audit-head"

// headSize is the length of the record. It is overwritten in place, and so short
// that a process which is killed leaves the old or the new one.
const headSize = 20 + 1 + 2*len(Hash{}) + 1

// keptHead reads the folder's head; fs.ErrNotExist when none is kept, or what is
// there is none (a power cut may leave an empty file).
func keptHead(folder string) (Head, error) {
	b, err := os.ReadFile(filepath.Join(folder, headFile))
	if err != nil {
		return Head{}, err
	}
	h, err := ParseHead(string(b))
	if err != nil {
		return Head{}, fmt.Errorf("%s: %w: %w", filepath.Join(folder, headFile), fs.ErrNotExist, err)
	}
	return h, nil
}

// keepHead writes the head into the folder, unless a later one is there.
func keepHead(folder string, h Head) (err error) {
	if have, err := keptHead(folder); err == nil && have.Seq >= h.Seq {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, headFile), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err = f.WriteAt(fmt.Appendf(make([]byte, 0, headSize), "%020d:%s\n", h.Seq, h.Hash), 0); err != nil {
		return err
	}
	return f.Truncate(int64(headSize))
}
