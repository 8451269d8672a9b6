// Command trivydb writes a database of vulnerabilities for Trivy into its folder of caches, of
// lines "ID PACKAGE VERSIONS FIXED SEVERITY" about packages of Python: trivydb FOLDER <LINES
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const source = "pip::GitHub Security Advisory Pip"

type record map[string]any

func main() {
	folder := filepath.Join(os.Args[1], "db")
	check(os.MkdirAll(folder, 0o755))
	database, err := bbolt.Open(filepath.Join(folder, "trivy.db"), 0o600, nil)
	check(err)
	check(database.Update(func(tx *bbolt.Tx) error {
		put(tx, record{"ID": "ghsa", "Name": "by hand"}, "data-source", source)
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if len(words) != 5 {
				log.Fatalf("not five words: %s", lines.Text())
			}
			versions := record{"VulnerableVersions": words[2:3], "PatchedVersions": words[3:4]}
			put(tx, versions, source, strings.ToLower(words[1]), words[0])
			put(tx, record{"Title": words[0], "Severity": words[4]}, "vulnerability", words[0])
		}
		return lines.Err()
	}))
	check(database.Close())
	now := time.Now().UTC()
	about := record{"Version": 2, "UpdatedAt": now, "NextUpdate": now.AddDate(1, 0, 0), "DownloadedAt": now}
	check(os.WriteFile(filepath.Join(folder, "metadata.json"), written(about), 0o600))
}

// put keeps a value in a bucket of buckets; the last of the path is its key.
func put(tx *bbolt.Tx, value record, path ...string) {
	bucket, err := tx.CreateBucketIfNotExists([]byte(path[0]))
	check(err)
	last := len(path) - 1
	for _, name := range path[1:last] {
		bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		check(err)
	}
	check(bucket.Put([]byte(path[last]), written(value)))
}

func written(value record) []byte {
	text, err := json.Marshal(value)
	check(err)
	return text
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
