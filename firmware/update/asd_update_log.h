/* Records one behind the other in two pages; the newest whole one counts. */
#ifndef ASD_UPDATE_LOG_H
#define ASD_UPDATE_LOG_H

#include "asd/asd_update.h"

/* The newest record, if there is one, and where the next may lie. */
void asd_update_log_read(asd_update *update);

/* Write a record with the next sequence number and make it update->record. False: the flash failed. */
bool asd_update_log_append(asd_update *update, const asd_update_record *record);

#endif
