// SpatialFlow (Chen et al., 2020, and its public code): four sub-networks on a feature pyramid, for classes, boxes,
// stuff and masks of things; which flows run between them, and through what, is searched. Which flows are candidates,
// and their order boxes -> {classes, stuff} -> masks, is our reading of the poster; `hand_made` is the published
// network.
from "std/backbones.nas" import resnet50, fpn
// RoIAlign and the mask head: a class of yours, one map for each box.
extern roi_mask_head(m3, m4, m5, classes) -> [classes, 28, 28] from "spatialflow_heads:RoIMaskHead"

space spatialflow(C = 256, things = 80, stuff = 54, steps = 4, anchors = 9, H = 768, W = 1280) {
  input image: [3, H, W]
  levels = {3, 4, 5, 6, 7}                             // at 1/8 to 1/128
  fine = {3, 4, 5}                                     // those that also have stuff and masks
  _c2, c3, c4, c5 = image >> resnet50()
  p[3], p[4], p[5], p[6], p[7] = fpn(c3, c4, c5, C)

  block flow(x) {
    choose op in { conv3: conv(k = 3, bias = true), identity, none }
    return x >> op()
  }
  block step(x) = x >> conv(C, k = 3, bias = true) >> relu()
  for l in levels {
    box[0, l] = p[l]
    cls[0, l] = p[l]
    stf[0, l] = p[l]
  }
  for i in 1..=steps {
    shared block to_box[i](x) = step(x)                // `shared`: one set of weights and decisions for all levels
    shared block to_cls[i](x) = step(x)
    shared block to_stf[i](x) = step(x)
    shared block box_cls[i](x) = flow(x)
    shared block box_stf[i](x) = flow(x)
    shared block cls_stf[i](x) = flow(x)
    for l in levels {
      box[i, l] = to_box[i](box[i-1, l])
      cls[i, l] = to_cls[i](sum(cls[i-1, l], box_cls[i](box[i, l])))
    }
    for l in fine { stf[i, l] = to_stf[i](sum(stf[i-1, l], box_stf[i](box[i, l]), cls_stf[i](cls[i, l]))) }
  }
  shared block to_msk(x) = step(x)
  shared block box_msk(x) = flow(x)
  shared block cls_msk(x) = flow(x)
  shared block stf_msk(x) = flow(x)
  for l in fine { msk[l] = to_msk(sum(p[l], box_msk(box[steps, l]), cls_msk(cls[steps, l]), stf_msk(stf[steps, l]))) }

  shared block cls_out(x) = x >> conv(anchors*things, k = 3, bias = true)
  shared block box_out(x) = x >> conv(anchors*4, k = 3, bias = true)
  block raise(x, n) {                                  // to 1/4, doubling n times
    y[1] = x >> conv_gn_relu(C/2, k = 3) >> (resize(2) if n > 0 else identity())
    for i in 2..=n { y[i] = y[i-1] >> conv_gn_relu(k = 3) >> resize(2) }
    return y[max(1, n)]
  }
  for l in levels {
    task classes[l] = cls_out(cls[steps, l]) { loss focal() }
    task boxes[l] = box_out(box[steps, l]) { loss l1() }
  }
  task masks = roi_mask_head(msk[3], msk[4], msk[5], things) { loss binary_cross_entropy() }
  together = sum(raise(stf[steps, l], l - 2) for l in fine)
  task semantic = together >> conv(stuff, k = 1, bias = true) >> resize_like(image) {
    loss cross_entropy()
    weight 0.25
    metric miou
  }

  preset hand_made {
    box_cls[*].op = conv3
    box_stf[*].op = conv3
    cls_stf[*].op = none
    box_msk.op = conv3
    cls_msk.op = none
    stf_msk.op = conv3
  }
}
