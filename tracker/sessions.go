package tracker

import "fmt"

// Sessions lists the notebook sessions that left cells, oldest first.
func (s *Store) Sessions() ([]string, error) {
	rows, err := s.db.Query(`SELECT session FROM cells GROUP BY session ORDER BY min(started), session`)
	if err != nil {
		return nil, fmt.Errorf("tracker: listing sessions: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("tracker: listing sessions: %w", err)
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
