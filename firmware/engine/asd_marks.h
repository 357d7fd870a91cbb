/* Marks between the parts of the work, for programs that count instructions; compiled out of images without ASD_MARKS.
 */
#ifndef ASD_MARKS_H
#define ASD_MARKS_H

#include <stdint.h>

#define ASD_MARK_FRONTEND 0u
#define ASD_MARK_SCHEDULER 1u /* of the engine: which step is next */
#define ASD_MARK_SCORER 2u
#define ASD_MARK_STEPS 3u /* + index of the step */

#ifdef ASD_MARKS
/* From here on the work is of this part; the program implements it. */
void asd_mark(uint32_t part);
#else
static inline void asd_mark(uint32_t part)
{
    (void)part;
}
#endif

#endif
