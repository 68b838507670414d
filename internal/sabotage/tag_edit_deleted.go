//go:build sabotage && sabotage_edit_deleted

package sabotage

const chosen = editDeleted
