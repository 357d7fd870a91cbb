/* Every exception that nobody expects ends the run: its cause on the emulator's console, exit code
 * ASD_FAULT_CODE, unless the program goes on otherwise. */
#ifndef FAULT_H
#define FAULT_H

#define ASD_FAULT_CODE 70

void asd_fault(void);

/* What follows the report; a program may define its own. */
void asd_after_fault(void);

#endif
